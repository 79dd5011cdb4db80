// What charts over time have in common: the places of instants, their words, now, and when the
// daemon was down.

import { zone } from "../clock.js";
import { svg } from "../dom.js";
import { dayMonth, hourMinute } from "../format.js";
import { hatch, path, round, write } from "./shapes.js";
import { tickStep, ticks } from "./stats.js";

/** `14 May 17:11` */
export const dayTime = (at) => `${dayMonth(at, zone())} ${hourMinute(at, zone())}`;

export const timeAxis = ({ from, to, now, down, width }) => {
  const x = (at) => round(((at - from) / (to - from)) * width);
  const step = tickStep(to - from, width);
  const labels = ticks(from, to, step, zone());
  const clipped = (at) => Math.min(Math.max(x(at), 0), width);
  const gaps = down.filter((gap) => gap.to > from && gap.from < to).map((gap) => ({ x0: clipped(gap.from), x1: clipped(gap.to), took: gap.to - gap.from }));
  return {
    x, step, labels,
    /** Lines at some instants, sharp. */
    lines: (of, top, bottom) => of.map(({ at }) => `M${Math.round(x(at)) + 0.5} ${top}V${bottom}`).join(""),
    words: (y) =>
      labels.map(({ at, label, isDay }) =>
        (isDay || x(at) > 18) && x(at) < width - 18 && write(Math.max(x(at), label.length * 3.4), y, label, isDay ? "t-middle t-strong" : "t-middle")),
    /** When the daemon was down, in pixels. */
    gaps,
    hatching: (top, height) => gaps.map(({ x0, x1 }) => hatch(x0, top, Math.max(1.5, round(x1 - x0)), height)),
    /** The line of now with its head and a word beside it. */
    now(top, bottom, text) {
      const at = x(now);
      if (at < 0 || at > width) return null;
      const isLate = at > width - 50;
      return [
        path("g-now", `M${at} ${top}V${bottom}`),
        svg("circle.f-now", { cx: at, cy: top, r: 3.5 }),
        write(isLate ? at - 8 : at + 8, top + 4, text, isLate ? "t-accent t-halo t-end" : "t-accent t-halo"),
      ];
    },
  };
};
