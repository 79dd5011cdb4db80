// Short messages at the corner: what was done and can be undone, what the daemon refused.

import { el, fill } from "../dom.js";
import { icon, mark } from "../marks.js";

const STAY = 8000;
const UNDO = 5000;
const MOST = 4;

const corner = el("div.toasts", { role: "region", "aria-label": "Messages" });
// Polite: whoever hears the page is not interrupted.
const polite = el("div", { role: "status" });
const urgent = el("div", { role: "alert" });
corner.append(urgent, polite);

/** Where toasts appear; the shell puts it into the page. */
export const toasts = () => corner;

const show = ({ outcome, title, text, action, isError = false, stay = STAY }) => {
  const node = el("div.toast");
  let timer;
  const close = () => {
    clearTimeout(timer);
    node.remove();
  };
  fill(
    node,
    mark(outcome),
    el("div.toast-text", el("b", title), text && el("p", text)),
    action && el("button.button", { onclick: () => { close(); action.act(); } }, action.name),
    el("button.button.button-bare.button-icon", { "aria-label": "Close message", onclick: close }, icon("close")),
  );
  const list = isError ? urgent : polite;
  list.append(node);
  while (list.children.length > MOST) list.firstElementChild.remove();
  const arm = () => { if (!isError) timer = setTimeout(close, stay); };
  // Nobody has to read faster than they can.
  node.addEventListener("pointerenter", () => clearTimeout(timer));
  node.addEventListener("pointerleave", arm);
  node.addEventListener("focusin", () => clearTimeout(timer));
  arm();
};

/** Something went as it was asked. */
export const done = (title, text) => show({ outcome: "success", title, text });

/** Something was done that can be taken back for a while. */
export const undoable = (title, text, undo) =>
  show({ outcome: "success", title, text, action: { name: "Undo", act: undo }, stay: UNDO });

/** Something was refused or failed; stays until it is closed. `error` has the daemon's sentence. */
export const failed = (title, error) =>
  show({ outcome: "failed", title, text: error?.message ?? error, isError: true });
