// One lane of the timeline as shapes: what to fill, which marks to set, and what pointer and keys
// find. Pure, but for the words, which are made when somebody asks.

import { isFailure, look } from "../marks.js";
import { block, diamond, fillOf, layers, tone, worse } from "./shapes.js";
import { median, merged } from "./stats.js";

export const LANE = 32;
const MIDDLE = 16;
const THIN = 2.5;
// Marks that are nearer than this become one; how far such a group may reach.
const NEAR = 12;
const REACH = 48;
// The last pixels of a service that failed.
const TURN = 6;

/**
 * `lane` is `{ isService, isWanted, instances, runs, buckets, bucket, ticks, usual }`, `view`
 * `{ from, to, now, width, bold }` with the minutes to draw bold. Gives layers, `marks`, `texts`,
 * and `spots` to point at, with `tick` or what they open: a bucket, or the last run of `count`.
 */
export const trackOf = (lane, view) => {
  const track = { ...layers(), marks: [], texts: [], spots: [] };
  const x = (at) => ((at - view.from) / (view.to - view.from)) * view.width;
  if (lane.buckets) density(lane, view, x, track);
  else bars(lane, view, x, track);
  const nowX = Math.max(0, x(view.now));
  if (lane.isService && lane.isWanted && nowX < view.width) track.add("g-dash", `M${nowX} ${MIDDLE}.5H${view.width}`);
  expected(lane, view, x, track);
  return track;
};

const bars = ({ isService, instances, runs }, view, x, track) => {
  const count = Math.max(instances, ...runs.map(({ replica }) => replica + 1));
  // Instances lie one below the other, as thick as fits.
  const pitch = isService ? Math.min(7, 24 / count) : 0;
  const thick = isService ? Math.max(1, Math.min(3, pitch - 1)) : 12;
  const troubles = new Map();
  for (const run of runs) {
    const { outcome, replica, start = run.end, end = view.now } = run;
    if (!(start <= view.to) || end < view.from) continue;
    const kind = tone(outcome);
    const hasBar = run.start !== undefined && kind !== "missed";
    const x0 = Math.max(0, x(start));
    const x1 = Math.min(view.width, Math.max(x(end), hasBar ? x0 + THIN : x0));
    const y = MIDDLE + (replica - (count - 1) / 2) * pitch;
    // A service was up until it failed.
    const wasUp = isService && kind !== "now";
    const turn = !wasUp ? x0 : kind === "bad" ? Math.max(x0, x1 - TURN) : x1;
    const fill = (name, from, to) => to > from && track.add(name, block(from, y - thick / 2, to - from, thick));
    if (hasBar) {
      fill("f-ok", x0, turn);
      fill(wasUp ? "f-bad" : fillOf(outcome), turn, x1);
    }
    if (kind === "ok" || kind === "now" || (isService && !isFailure(outcome))) {
      track.spots.push({ x0, x1, y0: y - thick / 2, y1: y + thick / 2, opens: run, count: 1 });
      continue;
    }
    const key = `${isService && replica} ${kind === "bad" || look(outcome)}`;
    if (!troubles.has(key)) troubles.set(key, []);
    troubles.get(key).push({ run, outcome, count: 1, begin: turn, x: x1, y });
  }
  for (const list of troubles.values()) mark(list.sort((one, other) => one.x - other.x), isService ? 9 : 12, track);
};

/** Sets one mark for troubles that nearly touch, and how many they are. */
const mark = (troubles, size, track) => {
  let free = 0;
  for (const group of merged(troubles, ({ x }) => x, NEAR, REACH)) {
    const { run, x } = group.at(-1);
    const { begin } = group[0];
    const y = Math.min(...group.map((one) => one.y));
    const outcome = group.reduce((worst, one) => worse(worst, one.outcome), group[0].outcome);
    const count = group.reduce((sum, one) => sum + one.count, 0);
    track.marks.push({ outcome, x, y, size });
    if (isFailure(outcome)) {
      track.add("f-page", diamond(x, y, size * 0.62));
      if (count > 1) {
        const text = `×${count}`;
        const wide = text.length * 6.7;
        // Beside the group, or over its own bars where the neighbour is.
        const before = (begin - 3 - wide > free ? begin - 3 : x - size / 2 - 2) - wide;
        const left = before < 0 ? x + size / 2 + 3 : before;
        track.add("f-page", block(left - 1, y - 5, wide + 2, 11));
        track.texts.push({ text, x: left, y: y + 4 });
      }
    }
    free = x + size / 2;
    if (run) track.spots.push({ x0: Math.min(begin, x - size / 2), x1: free, y0: y - size / 2, y1: y + size / 2, opens: run, count });
  }
};

const density = ({ buckets, bucket, isService }, view, x, track) => {
  const most = Math.max(...buckets.map(({ count }) => count));
  const troubles = [];
  for (const one of buckets) {
    const { at, count, failed, worst } = one;
    const x0 = Math.max(0, x(at));
    const x1 = Math.min(view.width, x(at + bucket));
    if (x1 <= x0) continue;
    const high = 3 + (count / most) * 12;
    const wide = Math.max(1.5, x1 - x0 - (x1 - x0 > 4 ? 1 : 0.25));
    track.add(failed === count ? "f-bad" : isService || worst ? "f-ok" : "f-now", block(x0, 26 - high, wide, high));
    track.spots.push({ x0, x1, y0: 0, y1: LANE, opens: one });
    const middle = (x0 + x1) / 2;
    if (failed) troubles.push({ outcome: isFailure(worst ?? "") ? worst : "failed", count: failed, begin: middle - 4, x: middle, y: Math.max(6, 23 - high) });
  }
  mark(troubles, 9, track);
};

const expected = ({ ticks, usual }, { from, to, now, width, bold }, x, track) => {
  const wide = (usual / (to - from)) * width;
  let last = -9;
  for (const at of ticks) {
    if (at <= now || at < from || at > to) continue;
    const left = x(at);
    const isBold = bold.has(Math.floor(at / 60_000));
    if (isBold) track.add("f-ink", block(left - 1.5, 9, 3, 14));
    else if (left - last < 3) continue;
    last = left;
    const sharp = Math.round(left) + 0.5;
    if (wide > 4) track.add("s-future", block(sharp, 10.5, Math.min(wide, width - left), 11));
    else if (!isBold) track.add("s-future", `M${sharp} 11v10`);
    track.spots.push({ x0: left, x1: left + (wide > 4 ? wide : 1), y0: 10, y1: 22, tick: at });
  }
};

/** The usual duration: half of the good runs took less. */
export const usualOf = (runs) => median(runs.filter(({ outcome, start }) => outcome === "success" && start !== undefined).map(({ start, end }) => end - start)) || 0;
