// What all charts have in common: they are drawn for the width of their box; pointer and keys point
// at what they show, and one tooltip, text only, says what that is. It listens once for the whole
// page, so that hundreds of charts have no listener on any of them.

import { el, fill, set, svg } from "../dom.js";
import { path } from "./shapes.js";

const GAP = 12;
const NEAR = 6;

const charts = new WeakMap();
let tip;
let ring;
// Where the keys are.
let keyed = null;
let place = 0;

/**
 * Draws `shapes`, with a unit for a pixel. `spots` are the boxes `{ x0, x1, y0, y1, opens }` that one
 * can point at, what lies on top last; `lines(spot)` says what one is, `open(spot.opens)` opens it;
 * keys left and right go `jump` of them far.
 */
export const paint = (node, chart, ...shapes) => {
  const { width, height, label } = chart;
  for (const [name, value] of Object.entries({ width, height, viewBox: `0 0 ${width} ${height}`, role: label && "img", "aria-label": label })) set(node, name, value);
  fill(node, shapes);
  if (chart.spots) charts.set(node, chart);
  if (node === keyed) point(place);
};

/** Calls `draw(node, data, width)` for other data and for another width, at most once per frame. */
export const chartBox = (draw) => {
  const node = svg("svg.chart");
  const element = el("div.chart-box", { tabindex: "0" }, node);
  let data;
  let width = 0;
  let frame = 0;
  const redraw = () => {
    if (!data || !width) return;
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      draw(node, data, width);
    });
  };
  const observer = new ResizeObserver(([{ contentRect }]) => {
    width = Math.floor(contentRect.width);
    redraw();
  });
  observer.observe(element);
  return {
    element, redraw,
    update(next) {
      data = next;
      redraw();
    },
    destroy() {
      observer.disconnect();
      cancelAnimationFrame(frame);
    },
  };
};

/** The box at a place, or the nearest one: it should not take a steady hand. */
export const spotAt = (spots, x, y) => {
  let best;
  let least = NEAR;
  for (const spot of spots) {
    const distance = Math.max(spot.x0 - x, x - spot.x1, 0) + Math.max(spot.y0 - y, y - spot.y1, 0) / 4;
    if (distance <= least) [best, least] = [spot, distance];
  }
  return best;
};

// ── The tooltip ──

const showTip = (lines, x, y) => {
  if (!tip) document.body.append(tip = el("div.tip", { role: "status" }));
  const [first, ...rest] = lines;
  fill(tip, el("b", first), rest.map((line) => line && el("span", line)));
  tip.hidden = false;
  const { width, height } = tip.getBoundingClientRect();
  const beside = (at, size, room) => Math.round(at + GAP + size > room ? Math.max(4, at - GAP - size) : at + GAP);
  tip.style.transform = `translate(${beside(x, width, innerWidth)}px, ${beside(y, height, innerHeight)}px)`;
};

const hideTip = () => {
  if (tip) tip.hidden = true;
};

// ── The pointer ──

const find = ({ target, clientX, clientY }) => {
  const node = target.closest?.("svg");
  const chart = charts.get(node);
  if (!chart) return {};
  const { left, top } = node.getBoundingClientRect();
  return { node, chart, spot: spotAt(chart.spots, clientX - left, clientY - top) };
};

const onPointer = (event) => {
  const { node, chart, spot } = find(event);
  node?.classList.toggle("chart-open", Boolean(spot?.opens));
  if (spot) showTip(chart.lines(spot), event.clientX, event.clientY);
  else hideTip();
};

// What opens may be another page, where nothing tells that the chart is gone.
const open = (chart, spot) => {
  hideTip();
  if (spot?.opens) chart.open(spot.opens);
};

const onClick = (event) => {
  const { chart, spot } = find(event);
  open(chart, spot);
};

// ── The keys ──

// They pass by what cannot be opened, if anything can.
const stopsOf = ({ spots }) => {
  const stops = spots.filter(({ opens }) => opens);
  return stops.length ? stops.sort((one, other) => one.x0 - other.x0) : spots;
};

const point = (to) => {
  const chart = charts.get(keyed);
  const stops = stopsOf(chart);
  place = Math.max(0, Math.min(to, stops.length - 1));
  const spot = stops[place];
  if (!spot) return;
  const { x0, x1, y0, y1 } = spot;
  ring ??= path("g-focus");
  ring.setAttribute("d", `M${x0 - 2} ${y0 - 2}H${x1 + 2}V${y1 + 2}H${x0 - 2}z`);
  keyed.append(ring);
  const { left, top } = keyed.getBoundingClientRect();
  showTip(chart.lines(spot), left + (x0 + x1) / 2, top + (y0 + y1) / 2);
};

const leave = () => {
  keyed = null;
  ring?.remove();
  hideTip();
};

const onKey = (event) => {
  // The box of a chart has the focus, so that it can be a row of a list.
  const node = event.target.firstElementChild;
  const chart = charts.get(node);
  if (event.key === "Escape") return leave();
  if (!chart || event.ctrlKey || event.metaKey || event.altKey) return;
  const { jump } = chart;
  const steps = { ArrowLeft: -(jump ?? 1), ArrowRight: jump ?? 1, Home: -Infinity, End: Infinity, ...(jump && { ArrowUp: -1, ArrowDown: 1 }) };
  const by = steps[event.key];
  if (by) {
    // The first step goes to the newest.
    const to = keyed === node || !Number.isFinite(by) ? place + by : Infinity;
    keyed = node;
    point(to);
  } else if (event.key === "Enter" && keyed) open(chart, stopsOf(chart)[place]);
  else return;
  event.preventDefault();
  event.stopPropagation();
};

if (globalThis.document) {
  const passive = { passive: true, capture: true };
  for (const name of ["pointermove", "pointerdown"]) document.addEventListener(name, onPointer, passive);
  for (const name of ["pointerleave", "scroll"]) document.addEventListener(name, hideTip, passive);
  document.addEventListener("click", onClick);
  document.addEventListener("keydown", onKey, true);
  document.addEventListener("focusout", leave);
}
