// The last outcomes of a task as small bars: short is calm, tall is trouble. Lists have hundreds of
// them, so a strip is one element per tone, and the shared tooltip finds the bar by its place.

import { fill, set, svg } from "../dom.js";
import { duration, plural } from "../format.js";
import { isFailure, look, word } from "../marks.js";
import { FILL, tone } from "./tone.js";
import { explain } from "./tooltip.js";
import { path } from "./shapes.js";

const BARS = 30;
const PITCH = 4;
const WIDTH = BARS * PITCH - 1;
const HEIGHT = 18;

const SHAPES = {
  success: (x, w, ground) => `M${x} ${ground}v-6h${w}v6z`,
  failed: (x, w, ground) => `M${x} ${ground}v-16l${w / 2}-2 ${w / 2} 2v16z`,
  timeout: (x, w, ground) => `M${x} ${ground}v-12h${w}v12zM${x} ${ground - 18}h${w}v3.5h${-w}z`,
  stopped: (x, w, ground) => `M${x} ${ground}v-10h${w}v10z`,
  missed: (x, w, ground) => `M${x + 0.5} ${ground - 0.5}v-9.5h${Math.max(w - 1, 1)}v9.5z`,
  running: (x, w, ground) => `M${x} ${ground}v-12.5h${w}v12.5zM${x + w / 2 - 2} ${ground - 16}a2 2 0 1 0 4 0a2 2 0 1 0-4 0z`,
  skipped: (x, w, ground) => `M${x} ${ground}v-2h${w}v2z`,
};
SHAPES.crashed = SHAPES.failed;
SHAPES.log_overflow = SHAPES.failed;

/** The bar of an outcome on a ground line, at most 18 px high. */
export const barOf = (outcome, x, width, ground) => (SHAPES[look(outcome)] ?? SHAPES.skipped)(x, width, ground);

/** What stands in the strip, oldest first, and the first free place from the left. */
const bars = (runs, live) => {
  const running = Math.min(live, BARS);
  const ended = runs.slice(0, BARS - running).reverse();
  const all = [...ended, ...Array(running).fill(null)];
  return { all, first: BARS - all.length };
};

/** One path for each class, in a fixed order. */
export const stripPaths = (runs, live = 0) => {
  const paths = new Map();
  const { all, first } = bars(runs, live);
  all.forEach((run, index) => {
    const outcome = run ? run.end_reason : "running";
    const name = FILL[tone(outcome)];
    paths.set(name, (paths.get(name) ?? "") + barOf(outcome, (first + index) * PITCH, PITCH - 1, HEIGHT));
  });
  return paths;
};

const label = (runs, live) => {
  const shown = runs.slice(0, BARS);
  const failed = shown.filter((run) => isFailure(run.end_reason)).length;
  const now = live ? `, ${live} running` : "";
  return `last ${plural(shown.length, "run")}, ${failed} failed${now}`;
};

const lines = (node, x) => {
  const { runs, live } = drawn.get(node);
  const { all, first } = bars(runs, live);
  const run = all[Math.floor((x * WIDTH) / node.clientWidth / PITCH) - first];
  if (run === undefined) return null;
  const back = all.length - all.indexOf(run) - live;
  if (run === null) return ["running", label(runs, live)];
  const took = run.duration_ms === undefined ? "" : ` after ${duration(run.duration_ms)}`;
  return [`${word(run.end_reason)}${took}`, back === 1 ? "the last run" : `${back - 1} before the last`, label(runs, live)];
};

const drawn = new WeakMap();

/** `runs` newest first, as the API gives them; `live` is how many are running. */
export const strip = (runs, options) => {
  const node = svg("svg", { class: "strip", width: WIDTH, height: HEIGHT, viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img" });
  explain(node, (x) => lines(node, x));
  updateStrip(node, runs, options);
  return node;
};

export const updateStrip = (node, runs, { live = 0 } = {}) => {
  const before = drawn.get(node);
  if (before && before.live === live && before.key === keyOf(runs)) return;
  drawn.set(node, { runs, live, key: keyOf(runs) });
  set(node, "aria-label", label(runs, live));
  fill(node, [...stripPaths(runs, live)].map(([name, d]) => path(name, d)));
};

// A strip changes when a run joins it, or leaves it.
const keyOf = (runs) => `${runs.length} ${runs[0]?.id} ${runs.at(-1)?.id}`;
