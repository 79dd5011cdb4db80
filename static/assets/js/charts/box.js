// What all larger charts share: they are drawn for the width of their box, and pointer and keys
// point at what they show.

import { set, svg } from "../dom.js";
import { explain, hideTip, showTipAt } from "./tooltip.js";
import { path } from "./shapes.js";

/** Calls `draw(width)` when the box has another width, and after `redraw()`, once per frame. */
export const box = (host, draw) => {
  let width = 0;
  let frame = 0;
  const redraw = () => {
    if (frame || !width) return;
    frame = requestAnimationFrame(() => {
      frame = 0;
      draw(width);
    });
  };
  const observer = new ResizeObserver(([entry]) => {
    const now = Math.floor(entry.contentRect.width);
    if (now === width) return;
    width = now;
    redraw();
  });
  observer.observe(host);
  return {
    redraw,
    destroy() {
      observer.disconnect();
      cancelAnimationFrame(frame);
    },
  };
};

/** Gives a drawing its size, in which a unit is a pixel, and what it says in words. */
export const sizeTo = (drawing, width, height, label) => {
  set(drawing, "width", width);
  set(drawing, "height", height);
  set(drawing, "viewBox", `0 0 ${width} ${height}`);
  if (label) set(drawing, "aria-label", label);
};

const BACK = new Set(["ArrowLeft", "ArrowUp"]);
const ON = new Set(["ArrowRight", "ArrowDown"]);

/**
 * Lets one point at the things of a chart: `hit(x, y)` gives the number of one or -1, `spots()`
 * those that keys go through, in order, each `{ index, x, y }`; `lines(index)` says what it is,
 * `open(index)` opens it, `point(spot)` shows where the keys are, or with null that they left;
 * left and right go `jump` things far.
 */
export const pointing = (node, { hit, spots, lines, open, point, jump }) => {
  let place = -1;
  const go = (to) => {
    const all = spots();
    if (!all.length) return;
    place = Math.min(Math.max(to, 0), all.length - 1);
    const spot = all[place];
    point(spot);
    showTipAt(node, lines(spot.index), spot.x, spot.y);
  };
  const leave = () => {
    place = -1;
    point(null);
    hideTip();
  };
  explain(node, (x, y) => {
    const index = hit(x, y);
    node.classList.toggle("chart-open", index >= 0 && opens(index));
    return index < 0 ? null : lines(index);
  });
  node.setAttribute("tabindex", "0");
  node.addEventListener("click", (event) => {
    const { left, top } = node.getBoundingClientRect();
    const index = hit(event.clientX - left, event.clientY - top);
    if (index >= 0) open?.(index);
  });
  node.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const count = spots().length;
    const from = place < 0 ? count : place;
    const width = jump && /Left|Right/.test(event.key) ? jump : 1;
    if (BACK.has(event.key)) go(from - width);
    else if (ON.has(event.key)) go(place < 0 ? count - 1 : from + width);
    else if (event.key === "Home") go(0);
    else if (event.key === "End") go(count - 1);
    else if (event.key === "Enter" && place >= 0) open?.(spots()[place].index);
    else if (event.key === "Escape") return leave();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  node.addEventListener("blur", leave);
};

let hatches = 0;

/** Hatching: a definition and the way to fill with it. */
export const hatching = () => {
  const id = `hatch-${(hatches += 1)}`;
  const pattern = svg(
    "pattern",
    { id, width: 6, height: 6, patternUnits: "userSpaceOnUse" },
    path("f-hatch", "M-1 1L1-1M0 6L6 0M5 7L7 5"),
  );
  return { definition: svg("defs", {}, pattern), fill: `url(#${id})` };
};
