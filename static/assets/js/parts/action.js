// A button that asks the daemon for something: it shows that it is busy until the answer, keeps
// its width meanwhile, and a refusal is a toast with the daemon's own sentence.

import { el, fill, svg } from "../dom.js";
import { icon } from "../marks.js";
import { failed } from "./toast.js";

export const spinner = () =>
  svg("svg.icon.spinner", { viewBox: "0 0 16 16", "aria-hidden": "true" },
    svg("path", { d: "M8 2.25A5.75 5.75 0 1 1 2.25 8" }));

/** `act` is awaited; `busy` is the word meanwhile, `refused` the title of the toast if it fails. */
export const action = ({ name, busy, glyph, className = "", title, disabled = false, refused, act }) => {
  const face = () => [glyph && icon(glyph), name];
  const button = el("button", { class: `button ${className}`, title, disabled }, face());
  button.addEventListener("click", async () => {
    if (button.getAttribute("aria-busy")) return;
    button.style.minInlineSize = `${button.offsetWidth}px`;
    button.setAttribute("aria-busy", "true");
    fill(button, spinner(), busy);
    try {
      await act();
    } catch (error) {
      failed(refused, error);
    } finally {
      button.removeAttribute("aria-busy");
      button.style.minInlineSize = "";
      fill(button, face());
    }
  });
  return button;
};
