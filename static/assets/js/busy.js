// Says on the document when everything that was asked for has been drawn: for assistive
// technology (`aria-busy`) and for whoever looks at the page by machine (`data-ready`).

import { onBusy } from "./api.js";

let waiting = 0;
let frame;

const settle = () => {
  cancelAnimationFrame(frame);
  // One frame for those who draw with the next one, one for what they draw.
  frame = requestAnimationFrame(() => {
    frame = requestAnimationFrame(() => {
      document.getElementById("main")?.removeAttribute("aria-busy");
      document.documentElement.dataset.ready = String(waiting === 0);
    });
  });
};

/** A page has begun to load. */
export const begin = () => {
  cancelAnimationFrame(frame);
  document.documentElement.dataset.ready = "false";
  document.getElementById("main")?.setAttribute("aria-busy", "true");
  if (!waiting) settle();
};

onBusy((count) => {
  waiting = count;
  if (!count) settle();
});
