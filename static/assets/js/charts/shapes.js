// The shapes that charts are made of, and the colours of outcomes. The shape says the same as the
// colour: see marks.js.

import { svg } from "../dom.js";
import { look } from "../marks.js";

/** Pixels as short as they can be told apart. */
export const round = (number) => Math.round(number * 100) / 100;

export const path = (name, d) => svg("path", { class: name, d });
export const write = (x, y, words, name) => svg("text", { class: name, x: round(x), y: round(y) }, words);

/** The mark of an outcome, its middle at a place in a chart. */
export const markAt = (outcome, x, y, size = 10) =>
  svg("use", { href: `#m-${look(outcome)}`, class: `mark-${look(outcome)}`, x: round(x - size / 2), y: round(y - size / 2), width: size, height: size });

// Parts of a path.
export const block = (x, y, wide, high) => `M${round(x)} ${round(y)}h${round(wide)}v${round(high)}h${-round(wide)}z`;
export const dot = (x, y, radius) => `M${round(x - radius)} ${round(y)}a${radius} ${radius} 0 1 0 ${2 * radius} 0a${radius} ${radius} 0 1 0 ${-2 * radius} 0z`;
export const diamond = (x, y, radius) => `M${round(x)} ${round(y - radius)}l${radius} ${radius}-${radius} ${radius}-${radius}-${radius}z`;

/** Parts of paths by class, so that each class becomes one element. */
export const layers = () => {
  const paths = new Map();
  return {
    paths,
    add: (name, d) => paths.set(name, (paths.get(name) ?? "") + d),
    shapes: () => [...paths].map(([name, d]) => path(name, d)),
  };
};

let hatches = 0;

/** A rectangle in which the daemon was down. */
export const hatch = (x, y, width, height) => {
  const id = `hatch-${(hatches += 1)}`;
  return [
    svg("pattern", { id, width: 6, height: 6, patternUnits: "userSpaceOnUse" }, path("f-hatch", "M-1 1L1-1M0 6L6 0M5 7L7 5")),
    svg("rect", { fill: `url(#${id})`, x, y, width, height }),
  ];
};

const TONES = {
  success: "ok", running: "now", stopped: "warn", missed: "missed",
  failed: "bad", timeout: "bad", crashed: "bad", log_overflow: "bad",
};

/** `ok`, `now`, `bad`, `warn`, `missed`, or `idle` for all that asks for nothing. */
export const tone = (outcome) => TONES[look(outcome)] ?? "idle";

/** The class of an outcome for areas. */
export const fillOf = (outcome) => (tone(outcome) === "missed" ? "s-warn" : `f-${tone(outcome)}`);

const FROM_CALM_TO_TROUBLE = ["ok", "idle", "now", "warn", "missed", "bad"];
const rank = (outcome) => FROM_CALM_TO_TROUBLE.indexOf(tone(outcome));

export const worse = (one, other) => (rank(other) > rank(one) ? other : one);

const HEIGHTS = { success: 6, running: 12.5, stopped: 10, timeout: 12, failed: 16, crashed: 16, log_overflow: 16 };

/** The bar of an outcome in a strip, on a ground line: short is calm, tall is trouble. */
export const barOf = (outcome, x, wide, ground) => {
  const kind = look(outcome);
  if (kind === "missed") return block(x + 0.5, ground - 10, wide - 1, 9.5);
  const high = HEIGHTS[kind] ?? 2;
  const bar = block(x, ground - high, wide, high);
  if (kind === "running") return bar + dot(x + wide / 2, ground - 16, 2);
  if (kind === "timeout") return bar + block(x, ground - 18, wide, 3.5);
  return high === 16 ? `${bar}M${x} ${ground - 16}l${wide / 2}-2 ${wide / 2} 2z` : bar;
};
