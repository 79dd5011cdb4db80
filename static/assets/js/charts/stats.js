// The arithmetic of the charts. Pure: instants are Unix milliseconds, zones are arguments.

import { civil, dayMonth, dayName, hourMinute, midnight, plural } from "../format.js";
import { word } from "../marks.js";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The value below which that share of the sorted ones lies. */
export const quantile = (sorted, share) => {
  if (!sorted.length) return NaN;
  const place = (sorted.length - 1) * share;
  const low = Math.floor(place);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low] + (sorted[high] - sorted[low]) * (place - low);
};

export const sorted = (numbers) => [...numbers].sort((one, other) => one - other);

export const median = (numbers) => quantile(sorted(numbers), 0.5);

const NICE = [
  [1, [1, 2, 5, 10, 20, 50, 100, 200, 500]],
  [SECOND, [1, 2, 3, 5, 10, 15, 20, 30]], [MINUTE, [1, 2, 3, 5, 10, 15, 20, 30]],
  [HOUR, [1, 2, 3, 6, 12]], [DAY, [1, 2, 3, 7, 14, 30]],
].flatMap(([unit, counts]) => counts.map((count) => count * unit));

/** The end of a scale that holds this duration and reads well. */
export const niceMax = (ms) => NICE.find((nice) => nice >= ms) ?? Math.ceil(ms / (30 * DAY)) * 30 * DAY;

// Minutes between labels, and between the lines beside them.
const STEPS = [
  [1, 1], [2, 1], [5, 1], [10, 5], [15, 5], [30, 10], [60, 15], [120, 60], [180, 60], [240, 60], [360, 120], [720, 180],
  [1440, 360], [2880, 1440], [10080, 1440],
].map((minutes) => minutes.map((number) => number * MINUTE));

/** The smallest step between labels that leaves each `room` pixels. */
export const tickStep = (length, width, room = 72) =>
  (STEPS.find(([step]) => (step / length) * width >= room) ?? STEPS.at(-1))[0];

/** The lines between the labels. */
export const finerStep = (step) => STEPS.find(([known]) => known === step)[1];

/**
 * The places of an axis, from each midnight on: `{ at, label, isDay }`. A clock that is set forward
 * leaves one out, one that is set back passes it twice and marks the first.
 */
export const ticks = (from, to, step, zone) => (step >= DAY ? days(from, to, step, zone) : hours(from, to, step, zone));

const days = (from, to, step, zone) => {
  const found = [];
  const every = Math.round(step / DAY);
  for (let ahead = 0; ; ahead += 1) {
    const at = midnight(from, zone, ahead);
    if (at > to) return found;
    const { year, month, day } = civil(at, zone);
    // Day 4 was a Monday.
    const number = Math.round(Date.UTC(year, month - 1, day) / DAY) - 4;
    if (at < from || number % every !== 0) continue;
    const label = every === 7 || day === "01" ? dayMonth(at, zone) : dayName(at, zone);
    found.push({ at, label, isDay: true });
  }
};

const hours = (from, to, step, zone) => {
  const found = [];
  const minutes = step / MINUTE;
  // Zones are quarters of an hour apart: this meets every full step of any of them.
  const grain = Math.min(step, 15 * MINUTE);
  for (let at = Math.ceil(from / grain) * grain; at <= to; at += grain) {
    const { hour, minute } = civil(at, zone);
    const ofDay = Number(hour) * 60 + Number(minute);
    if (ofDay % minutes !== 0) continue;
    const label = ofDay === 0 ? dayName(at, zone) : hourMinute(at, zone);
    if (found.at(-1)?.label !== label) found.push({ at, label, isDay: ofDay === 0 });
  }
  return found;
};

/**
 * Things whose `place(thing)` follow each other by less than `near`, in groups of at most `span`.
 * Sorted ones only.
 */
export const merged = (things, place, near, span = Infinity) => {
  const groups = [];
  for (const thing of things) {
    const at = place(thing);
    const group = groups.at(-1);
    if (group && at - place(group.at(-1)) < near && at - place(group[0]) < span) group.push(thing);
    else groups.push([thing]);
  }
  return groups;
};

/** Minutes in which `least` or more tasks start: `{ at, names }`, earliest first. */
export const collisions = (starts, least = 3) => {
  const minutes = new Map();
  for (const { at, name } of starts) {
    const minute = Math.floor(at / MINUTE) * MINUTE;
    if (!minutes.has(minute)) minutes.set(minute, new Set());
    minutes.get(minute).add(name);
  }
  return [...minutes]
    .filter(([, names]) => names.size >= least)
    .map(([at, names]) => ({ at, names: [...names].sort() }))
    .sort((one, other) => one.at - other.at);
};

/**
 * Collisions of the same tasks as one: `{ names, times }`, the nearest time first; the most tasks
 * first, then the nearest to `now`.
 */
export const alike = (found, now) => {
  const groups = new Map();
  const distance = (at) => Math.abs(at - now);
  for (const { at, names } of found) {
    const key = names.join();
    if (!groups.has(key)) groups.set(key, { names, times: [] });
    groups.get(key).times.push(at);
  }
  for (const { times } of groups.values()) times.sort((one, other) => distance(one) - distance(other));
  return [...groups.values()].sort((one, other) => other.names.length - one.names.length || distance(one.times[0]) - distance(other.times[0]));
};

/** How many of the spans `[start, end)` there are at once: `[{ at, count }]`, from each change on. */
export const atOnce = (spans) => {
  const starts = Float64Array.from(spans, (span) => span.start).sort();
  const ends = Float64Array.from(spans, (span) => Math.max(span.end, span.start + 1)).sort();
  const steps = [];
  let count = 0;
  for (let start = 0, end = 0; end < ends.length; ) {
    const at = start < starts.length ? Math.min(starts[start], ends[end]) : ends[end];
    while (starts[start] === at) { start += 1; count += 1; }
    while (ends[end] === at) { end += 1; count -= 1; }
    steps.push({ at, count });
  }
  return steps;
};

/** `77 runs, 2 failed` */
export const runsOf = (count, failed) => `${plural(count, "run")}${failed ? `, ${failed} failed` : ""}`;

/** `77 ok, 2 failed`, most first. */
export const countsOf = (outcomes) => {
  const counts = new Map();
  for (const outcome of outcomes) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  return [...counts]
    .sort((one, other) => other[1] - one[1])
    .map(([outcome, count]) => `${count} ${outcome === "success" ? "ok" : word(outcome)}`)
    .join(", ");
};

/** What is usual, from the good runs, and where the scale of durations ends. */
export const scaleOf = (times, timeout) => {
  const good = sorted(times.filter(({ outcome, took }) => outcome === "success" && took >= 0).map(({ took }) => took));
  const longest = Math.max(0, ...times.map(({ took }) => took || 0));
  const usual = quantile(good, 0.5);
  const slow = quantile(good, 0.95);
  // One run that took forever must not press all others to the ground.
  const most = good.length >= 5 ? Math.min(longest, Math.max(usual * 4, Math.min(slow * 1.5, usual * 8))) : longest;
  const isNear = timeout > 0 && timeout <= most * 1.6;
  const max = niceMax(Math.max(most, isNear ? timeout : 0, 1));
  return { usual, slow, low: quantile(good, 0.25), high: quantile(good, 0.75), max, limit: timeout > 0 && timeout <= max ? timeout : null };
};

// Lines of text that are nearer than this overlap.
const LINE = 11;

/** Texts beside the scale, best first: what would stand in one that is there is left out. */
export const apart = (texts) =>
  texts.reduce((kept, text) => (kept.some(({ y }) => Math.abs(y - text.y) < LINE) ? kept : [...kept, text]), []);

/**
 * What stands in each slot of the day band: `{ from, to, good, failed, failures, expected }`.
 * Failures that are known by name are among those that were counted.
 */
export const slots = ({ from, to, bucket, counts, failures, upcoming }) => {
  const all = [];
  for (let at = from; at < to; at += bucket) all.push({ from: at, to: at + bucket, good: 0, failed: 0, failures: [], expected: 0 });
  const each = (things, add) => {
    for (const thing of things) {
      const slot = all[Math.floor((thing.at - from) / bucket)];
      if (slot) add(slot, thing);
    }
  };
  each(counts, (slot, { count, failed }) => {
    slot.good += count - failed;
    slot.failed += failed;
  });
  each(upcoming, (slot, { count }) => { slot.expected += count; });
  each(failures, (slot, failure) => slot.failures.push(failure));
  for (const slot of all) slot.failed = Math.max(slot.failed, slot.failures.length);
  return all;
};
