// The scale of durations. Pure.

import { niceMax, quantile, sorted } from "./stats.js";

// Lines of text that are nearer than this overlap.
const LINE = 11;

/** What is usual, from the good runs, and where the scale ends. */
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

/** Texts beside the scale, best first: what would stand in one that is there is left out. */
export const apart = (texts) =>
  texts.reduce((kept, text) => (kept.some(({ y }) => Math.abs(y - text.y) < LINE) ? kept : [...kept, text]), []);
