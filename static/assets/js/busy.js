// Says on the document when everything that was asked for has been drawn: for assistive
// technology (`aria-busy`) and for whoever looks at the page by machine (`data-ready`).

import { onBusy } from "./api.js";

let requests = 0;
let others = 0;
let frame;

const settle = () => {
  cancelAnimationFrame(frame);
  if (requests || others) return;
  // One frame for those who draw with the next one, one for what they draw.
  frame = requestAnimationFrame(() => {
    frame = requestAnimationFrame(() => {
      document.getElementById("main")?.removeAttribute("aria-busy");
      document.documentElement.dataset.ready = "true";
    });
  });
};

/** A page has begun to load. */
export const begin = () => {
  document.documentElement.dataset.ready = "false";
  document.getElementById("main")?.setAttribute("aria-busy", "true");
  settle();
};

/** Something else than a request must be over first. */
export const during = async (work) => {
  others += 1;
  try {
    return await work;
  } finally {
    others -= 1;
    settle();
  }
};

onBusy((count) => {
  requests = count;
  settle();
});
