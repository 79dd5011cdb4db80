// The arithmetic of the charts. Pure: instants are Unix milliseconds, zones are arguments.

import { civil, dayMonth, dayName, hourMinute, midnight } from "../format.js";

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
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1, 2, 3, 5, 10, 15, 20, 30].map((seconds) => seconds * SECOND),
  ...[1, 2, 3, 5, 10, 15, 20, 30].map((minutes) => minutes * MINUTE),
  ...[1, 2, 3, 6, 12].map((hours) => hours * HOUR),
  ...[1, 2, 3, 7, 14, 30].map((days) => days * DAY),
];

/** The end of a scale that holds this duration and reads well. */
export const niceMax = (ms) => NICE.find((nice) => nice >= ms) ?? Math.ceil(ms / (30 * DAY)) * 30 * DAY;

const STEPS = [
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * MINUTE),
  ...[1, 2, 3, 4, 6, 12].map((hours) => hours * HOUR),
  ...[1, 2, 7].map((days) => days * DAY),
];

/** The smallest step between labels that leaves each `room` pixels. */
export const tickStep = (length, width, room = 72) =>
  STEPS.find((step) => (step / length) * width >= room) ?? STEPS.at(-1);

/** The lines between the labels. */
export const finerStep = (step) => {
  const finer = { 2: 1, 5: 1, 10: 5, 15: 5, 30: 10, 60: 15, 120: 60, 180: 60, 240: 60, 360: 120, 720: 180, 1440: 360, 2880: 1440, 10080: 1440 };
  return (finer[step / MINUTE] ?? step / MINUTE) * MINUTE;
};

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
  let last = -Infinity;
  let first = -Infinity;
  for (const thing of things) {
    const at = place(thing);
    if (at - last < near && at - first < span) groups.at(-1).push(thing);
    else {
      groups.push([thing]);
      first = at;
    }
    last = at;
  }
  return groups;
};

/** Minutes in which `least` or more tasks start: `{ at, names }`, earliest first. */
export const collisions = (starts, least = 3) => {
  const minutes = new Map();
  for (const { at, name } of starts) {
    const minute = Math.floor(at / MINUTE) * MINUTE;
    const names = minutes.get(minute);
    if (!names) minutes.set(minute, name);
    else if (typeof names !== "string") names.add(name);
    else if (names !== name) minutes.set(minute, new Set([names, name]));
  }
  const found = [];
  for (const [at, names] of minutes) {
    if (typeof names !== "string" && names.size >= least) found.push({ at, names: [...names].sort() });
  }
  return found.sort((one, other) => one.at - other.at);
};

/** Collisions of the same tasks as one: `{ names, times, nearest }`, the most tasks first, then the nearest to `now`. */
export const alike = (found, now) => {
  const groups = new Map();
  const distance = ({ nearest }) => Math.abs(nearest - now);
  for (const { at, names } of found) {
    const key = names.join("\n");
    const group = groups.get(key);
    if (!group) groups.set(key, { names, times: [at], nearest: at });
    else {
      group.times.push(at);
      if (Math.abs(at - now) < distance(group)) group.nearest = at;
    }
  }
  return [...groups.values()].sort((one, other) => other.names.length - one.names.length || distance(one) - distance(other));
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

/**
 * The most that ran at once for a while, counted from the minute `from` on: `{ count, lasted }`, of
 * at least `least`; null if there was none.
 */
export const peakAt = (steps, from, least = 3) => {
  let low = 0;
  for (let high = steps.length; low < high; ) {
    const middle = (low + high) >> 1;
    if (steps[middle].at < from) low = middle + 1;
    else high = middle;
  }
  let best = null;
  for (let index = low; steps[index]?.at < from + MINUTE; index += 1) {
    const { at, count } = steps[index];
    if (count < least || count <= best?.count) continue;
    let end = index + 1;
    while (steps[end]?.count >= count) end += 1;
    // What was over at once is no crowd.
    const lasted = (steps[end]?.at ?? at) - at;
    if (lasted >= 10 * SECOND) best = { count, lasted };
  }
  return best;
};
