// The part of time that the timeline shows: how much of it, where it ends, and how an address says
// so. Pure: "now" is an argument.

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The API answers no further, forwards or in one piece. */
const FURTHEST = 31 * DAY;

/** `ahead` is the part of the window that lies in the future, `step` by how much it moves at once. */
export const RANGES = {
  "1h": { text: "1 h", length: HOUR, ahead: 1 / 3, step: MINUTE },
  "6h": { text: "6 h", length: 6 * HOUR, ahead: 1 / 3, step: 5 * MINUTE },
  "24h": { text: "24 h", length: DAY, ahead: 1 / 3, step: 30 * MINUTE },
  "7d": { text: "7 d", length: 7 * DAY, ahead: 1 / 7, step: 3 * HOUR },
  "31d": { text: "31 d", length: 31 * DAY, ahead: 1 / 10, step: 12 * HOUR },
};

const NAMES = Object.keys(RANGES);

/** The end of the window that goes with the time. */
const liveEnd = (range, now) => {
  const { length, ahead, step } = RANGES[range];
  return Math.floor((now + length * ahead) / step) * step;
};

/** A window that is nearly the one of now goes with the time; none is too far ahead. */
const settled = (range, to, now) => {
  const live = liveEnd(range, now);
  if (Math.abs(to - live) < RANGES[range].length / 4) return { range, to: null };
  return { range, to: Math.min(Math.round(to / MINUTE), Math.floor((now + FURTHEST) / MINUTE)) * MINUTE };
};

/** `{ from, to, isLive }` of a view `{ range, to }`, where `to` null goes with the time. */
export const windowOf = ({ range, to }, now) => {
  const end = to ?? liveEnd(range, now);
  return { from: end - RANGES[range].length, to: end, isLive: to === null };
};

/** The view of an address. */
export const viewOf = (search) => {
  const given = new URLSearchParams(search);
  const range = NAMES.includes(given.get("range")) ? given.get("range") : "24h";
  const to = Date.parse(given.get("to"));
  return { range, to: Number.isFinite(to) ? to : null };
};

/** What an address says of a view; the usual one needs no words. */
export const searchOf = ({ range, to }) => {
  const words = new URLSearchParams();
  if (range !== "24h" || to !== null) words.set("range", range);
  if (to !== null) words.set("to", new Date(to).toISOString().replace(":00.000", ""));
  const text = words.toString().replaceAll("%3A", ":");
  return text && `?${text}`;
};

/** By half a window, earlier (-1) or later (1). */
export const moved = (view, by, now) => settled(view.range, windowOf(view, now).to + (by * RANGES[view.range].length) / 2, now);

export const canMoveOn = (view, now) => windowOf(view, now).to < now + FURTHEST - MINUTE;

/** One range wider (1) or narrower (-1), so that the instant `at` keeps its place. */
export const zoomed = (view, by, at, now) => {
  const next = NAMES[NAMES.indexOf(view.range) + by];
  return next ? ranged(view, next, at, now) : view;
};

/** Another range around an instant. */
export const ranged = (view, range, at, now) => {
  const { from, to } = windowOf(view, now);
  const share = Math.min(Math.max((at - from) / (to - from), 0), 1);
  return settled(range, at + (1 - share) * RANGES[range].length, now);
};
