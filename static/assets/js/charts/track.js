// One lane of the timeline as shapes: what to fill, which marks to set, and what pointer and keys
// find. Pure, but for the words, which are made when somebody asks.

import { isFailure, look } from "../marks.js";
import { median, merged } from "./stats.js";
import { FILL, tone, worse } from "./tone.js";
import { round } from "./shapes.js";

export const LANE = 32;
const MIDDLE = 16;
const THIN = 2.5;
// Marks that are nearer than this become one; how far such a group may reach.
const NEAR = 12;
const REACH = 48;

// The last pixels of a service that failed.
const TURN = 6;

/** The place of each instance of a service, as thick as fits. */
const instanceLine = (replica, count) => {
  const pitch = Math.min(7, 24 / Math.max(count, 1));
  const thick = Math.max(1, Math.min(3, pitch - 1));
  return { y: MIDDLE + (replica - (count - 1) / 2) * pitch, thick };
};

/**
 * `lane` is `{ isService, instances, runs, buckets, bucket, ticks }`, `view` `{ from, to, now,
 * width, bold }` with the minutes to draw bold. Gives `paths` by class, `marks`, `texts`, and `items`
 * `{ x0, x1, y, runs | bucket | tick }` from left to right.
 */
export const trackOf = (lane, view) => {
  const made = { paths: new Map(), marks: [], texts: [], items: [] };
  const x = (at) => ((at - view.from) / (view.to - view.from)) * view.width;
  if (lane.buckets) density(lane, view, x, made);
  else bars(lane, view, x, made);
  if (lane.isService && lane.isWanted) onward(view, x, made);
  expected(lane, view, x, made);
  made.items.sort((one, other) => one.x0 - other.x0 || one.y - other.y);
  return made;
};

const add = (made, name, d) => made.paths.set(name, (made.paths.get(name) ?? "") + d);

const bars = (lane, view, x, made) => {
  const marked = new Map();
  const count = Math.max(lane.instances ?? 1, 1 + lane.runs.reduce((most, { replica }) => Math.max(most, replica), 0));
  const last = new Map();
  for (const run of lane.runs) {
    const start = run.start ?? run.end;
    const end = run.end ?? view.now;
    if (!(start <= view.to) || end < view.from) continue;
    const kind = tone(run.outcome);
    const hasBar = run.start !== undefined && kind !== "missed";
    const x0 = Math.max(0, x(start));
    const x1 = Math.min(view.width, Math.max(x(end), hasBar ? x0 + THIN : x0));
    const { y, thick } = lane.isService ? instanceLine(run.replica, count) : { y: MIDDLE, thick: 12 };
    if (hasBar) bar({ lane, kind, x0, x1, y, thick, made, last, replica: run.replica });
    if (kind === "ok" || kind === "now" || (lane.isService && !isFailure(run.outcome))) made.items.push({ x0, x1, y, runs: [run] });
    else {
      const key = `${lane.isService ? run.replica : 0} ${kind === "bad" ? kind : look(run.outcome)}`;
      if (!marked.has(key)) marked.set(key, []);
      marked.get(key).push({ run, x0, x1, y });
    }
  }
  for (const list of marked.values()) marks(lane, list, made);
};

const bar = ({ lane, kind, x0, x1, y, thick, made, last, replica }) => {
  const key = `${kind} ${replica}`;
  // What ends where another one of its kind ended adds nothing.
  if (x1 - (last.get(key) ?? -9) < 0.75) return;
  last.set(key, x1);
  const box = (from, to) => `M${round(from)} ${round(y - thick / 2)}h${round(to - from)}v${thick}h${round(from - to)}z`;
  // A service was up until it failed.
  if (lane.isService && kind !== "now") {
    const turn = kind === "bad" ? Math.max(x0, x1 - TURN) : x1;
    if (turn > x0) add(made, FILL.ok, box(x0, turn));
    if (turn < x1) add(made, FILL.bad, box(turn, x1));
  } else add(made, FILL[kind], box(x0, x1));
};

const marks = (lane, list, made) => {
  list.sort((one, other) => one.x1 - other.x1);
  let free = -Infinity;
  for (const group of merged(list, ({ x1 }) => x1, NEAR, REACH)) {
    const { run, x1, y } = group.at(-1);
    // Where the trouble begins: a service was up before.
    const x0 = lane.isService ? Math.max(group[0].x0, group[0].x1 - TURN) : group[0].x0;
    const size = lane.isService ? 9 : 12;
    const outcome = group.reduce((worst, { run: other }) => worse(worst, other.outcome), run.outcome);
    const isBad = isFailure(outcome);
    if (isBad || tone(outcome) !== "warn" || x1 - x0 < 14) made.marks.push({ outcome, x: x1, y, size });
    if (isBad && group.length > 1) {
      const text = `×${group.length}`;
      const wide = text.length * 6.7;
      // Beside the group, or over its own bars where the neighbour is.
      const isBeside = x0 - 3 - wide > free;
      const right = isBeside ? x0 - 3 : x1 - size / 2 - 2;
      const left = right < wide ? x1 + size / 2 + 3 : right - wide;
      made.texts.push({ text, x: left, y: y + 4, wide });
    }
    free = x1 + size / 2;
    made.items.push({ x0: Math.min(x0, x1 - size / 2), x1: x1 + size / 2, y, runs: group.map(({ run: one }) => one) });
  }
};

const density = ({ buckets, bucket, isService }, view, x, made) => {
  const most = Math.max(...buckets.map(({ count }) => count));
  const failed = [];
  for (const one of buckets) {
    const x0 = Math.max(0, x(one.at));
    const x1 = Math.min(view.width, x(one.at + bucket));
    if (x1 <= 0 || x0 >= view.width) continue;
    const high = round(3 + (one.count / most) * 12);
    const wide = round(Math.max(1.5, x1 - x0 - (x1 - x0 > 4 ? 1 : 0.25)));
    const name = one.failed === one.count ? FILL.bad : isService || one.worst ? FILL.ok : FILL.now;
    add(made, name, `M${round(x0)} 26v${-high}h${wide}v${high}z`);
    if (one.failed) failed.push({ ...one, middle: (x0 + x1) / 2, top: 26 - high });
    made.items.push({ x0, x1, y: MIDDLE, bucket: one });
  }
  for (const group of merged(failed, ({ middle }) => middle, NEAR, REACH)) {
    const worst = group.reduce((found, one) => worse(found, one.worst), "success");
    const top = Math.min(...group.map((one) => one.top));
    const { middle } = group.at(-1);
    made.marks.push({ outcome: isFailure(worst) ? worst : "failed", x: middle, y: Math.max(6, top - 3), size: 9 });
    const sum = group.reduce((all, one) => all + one.failed, 0);
    const text = `×${sum}`;
    const wide = text.length * 6.7;
    if (sum > 1 && middle > wide + 8) made.texts.push({ text, x: middle - 7 - wide, y: Math.max(6, top - 3) + 4, wide });
  }
};

const onward = (view, x, made) => {
  const from = Math.max(0, x(view.now));
  if (from < view.width) add(made, "g-dash", `M${round(from)} ${MIDDLE}.5H${view.width}`);
};

const expected = ({ ticks, usual }, view, x, made) => {
  const wide = ((usual ?? 0) / (view.to - view.from)) * view.width;
  let last = -9;
  for (const at of ticks) {
    if (at <= view.now || at < view.from) continue;
    if (at > view.to) break;
    const left = x(at);
    const isBold = view.bold.has(Math.floor(at / 60_000));
    if (isBold) add(made, "f-ink", `M${round(left - 1.5)} 9h3v14h-3z`);
    if (left - last < 3 && !isBold) continue;
    last = left;
    if (wide > 4) add(made, "s-future", `M${Math.round(left) + 0.5} 10.5h${round(Math.min(wide, view.width - left))}v11h${-round(Math.min(wide, view.width - left))}z`);
    else if (!isBold) add(made, "s-future", `M${Math.round(left) + 0.5} 11v10`);
    made.items.push({ x0: left, x1: left + Math.max(wide > 4 ? wide : 0, 1), y: MIDDLE, tick: at });
  }
};

/** The usual duration: half of the good runs took less. */
export const usualOf = (runs) => median(runs.filter(({ outcome, start }) => outcome === "success" && start !== undefined).map(({ start, end }) => end - start)) || 0;

/** The item at a place: the nearest, at most 6 px away, marks before bars. */
export const itemAt = (items, x, y) => {
  let best = -1;
  let least = 6;
  items.forEach((item, index) => {
    const beside = Math.max(item.x0 - x, x - item.x1, 0);
    if (beside > least) return;
    const isMark = item.runs && tone(item.runs.at(-1).outcome) !== "ok";
    const distance = beside + Math.min(Math.abs(item.y - y), 12) / 4 - (isMark ? 1 : 0);
    if (distance < least) [best, least] = [index, distance];
  });
  return best;
};
