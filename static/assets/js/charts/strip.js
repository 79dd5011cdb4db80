// The last outcomes of a task as small bars: short is calm, tall is trouble. Lists have hundreds of
// them, so a strip is one element per tone, and a bar is found by its place.

import { svg } from "../dom.js";
import { duration, plural } from "../format.js";
import { isFailure, outcomeOf, word } from "../marks.js";
import { paint } from "./chart.js";
import { barOf, fillOf, layers } from "./shapes.js";

const BARS = 30;
const PITCH = 4;
const HEIGHT = 18;

/** `{ bars, spots }`, the newest at the right, behind it what is running. */
export const stripOf = (runs, live = 0) => {
  const running = Array(Math.min(live, BARS)).fill({ end_reason: "running" });
  const all = [...runs.slice(0, BARS - running.length).reverse(), ...running];
  const bars = layers();
  const spots = all.map((run, index) => {
    const x0 = (BARS - all.length + index) * PITCH;
    bars.add(fillOf(outcomeOf(run)), barOf(outcomeOf(run), x0, PITCH - 1, HEIGHT));
    return { run, x0, x1: x0 + PITCH, y0: 0, y1: HEIGHT };
  });
  return { bars, spots };
};

/** `runs` newest first, as the API gives them; `live` is how many are running. */
export const strip = (runs, options) => {
  const node = svg("svg.strip", { role: "img" });
  updateStrip(node, runs, options);
  return node;
};

export const updateStrip = (node, runs, { live = 0 } = {}) => {
  // A strip changes when a run joins it, or leaves it.
  const shown = `${live} ${runs.length} ${runs[0]?.id} ${runs.at(-1)?.id}`;
  if (node.dataset.shown === shown) return;
  node.dataset.shown = shown;
  const { bars, spots } = stripOf(runs, live);
  const last = runs.slice(0, BARS);
  const failed = last.filter((run) => isFailure(outcomeOf(run))).length;
  const label = `last ${plural(last.length, "run")}, ${failed} failed${live ? `, ${live} running` : ""}`;
  const lines = ({ run }) => [`${word(run.end_reason)}${run.duration_ms >= 0 ? ` after ${duration(run.duration_ms)}` : ""}`, label];
  paint(node, { width: BARS * PITCH - 1, height: HEIGHT, label, spots, lines }, bars.shapes());
};
