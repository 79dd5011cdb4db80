// The one tooltip of all charts: text only. Listens once for the whole page, so that a page with
// hundreds of charts has no listener on any of them.

import { el, fill } from "../dom.js";

const explainers = new WeakMap();
const GAP = 12;
let tip;
let explained;

/** `explain(x, y)` gives the lines for a place in `node`, in its pixels, or null. */
export const explain = (node, lines) => {
  explainers.set(node, lines);
  node.setAttribute("data-explained", "");
};

const element = () => {
  if (!tip?.isConnected) {
    tip = el("div", { class: "tip", role: "status", hidden: true });
    document.body.append(tip);
  }
  return tip;
};

/** Shows lines beside a place of the window. */
const showTip = (lines, x, y) => {
  const node = element();
  const [first, ...rest] = lines.filter(Boolean);
  const text = lines.join("\n");
  if (node.dataset.text !== text) {
    node.dataset.text = text;
    fill(node, el("b", {}, first), rest.map((line) => el("span", {}, line)));
  }
  node.hidden = false;
  const { width, height } = node.getBoundingClientRect();
  const left = x + GAP + width > innerWidth ? Math.max(4, x - GAP - width) : x + GAP;
  const top = y + GAP + height > innerHeight ? Math.max(4, y - GAP - height) : y + GAP;
  node.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
};

/** Shows lines beside a place of a chart. */
export const showTipAt = (node, lines, x, y) => {
  const { left, top } = node.getBoundingClientRect();
  explained = node;
  showTip(lines, left + x, top + y);
};

export const hideTip = () => {
  explained = null;
  if (!tip || tip.hidden) return;
  tip.hidden = true;
  tip.dataset.text = "";
};

const move = (event) => {
  const node = event.target.closest?.("[data-explained]");
  if (!node) return explained && hideTip();
  const { left, top } = node.getBoundingClientRect();
  const lines = explainers.get(node)?.(event.clientX - left, event.clientY - top, event);
  if (!lines) return explained && hideTip();
  explained = node;
  showTip(lines, event.clientX, event.clientY);
};

// A click or Enter may have led to another page, where nothing tells that the chart is gone.
const check = () => requestAnimationFrame(() => explained && !explained.isConnected && hideTip());

if (globalThis.document) {
  document.addEventListener("pointermove", move, { passive: true });
  document.addEventListener("pointerdown", move, { passive: true });
  document.addEventListener("pointerleave", hideTip);
  document.addEventListener("scroll", hideTip, { passive: true, capture: true });
  document.addEventListener("click", check);
  document.addEventListener("keydown", ({ key }) => (key === "Escape" ? hideTip() : check()));
}
