// The day band: what started per quarter of an hour, each failure as one diamond, and to the right
// of now what is expected.

import { zone } from "../clock.js";
import { el } from "../dom.js";
import { clock, duration, hourMinute } from "../format.js";
import { word } from "../marks.js";
import { dayTime, timeAxis } from "./axis.js";
import { chartBox, paint } from "./chart.js";
import { block, layers, markAt, path, write } from "./shapes.js";
import { runsOf, slots } from "./stats.js";

const TOP = 14;
const GROUND = 64;
// One run is 5 px high, as long as the day is a quiet one and failures have room on top.
const UNIT = 5;
const ROOM = 46;

const linesOf = ({ slot: { from, to, good, failed, expected }, opens: failure }) => [
  `${dayTime(from)} to ${hourMinute(to, zone())}`,
  (good || failed || !expected) && runsOf(good + failed, failed),
  expected > 0 && `${expected} expected`,
  failure && `${failure.task_name} ${word(failure.outcome)} ${clock(failure.at, zone())}`,
];

export const dayBand = ({ onOpen }) => {
  const chart = chartBox((node, data, width) => {
    const axis = timeAxis({ ...data, width });
    const all = slots(data);
    const wide = width / all.length;
    const gap = wide > 5 ? 2 : wide > 3 ? 1 : 0.5;
    const size = Math.max(7, Math.min(10, wide));
    const unit = Math.min(UNIT, ...all.map(({ good, expected, failed }) => (ROOM - Math.min(failed, 2) * 10) / (good + expected || 1)));
    const high = (count) => count && Math.max(1.5, count * unit);
    const bars = layers();
    const marks = [];
    const spots = [];

    let free = 0;
    all.forEach((slot, index) => {
      const { good, failed, failures, expected } = slot;
      const left = index * wide;
      const middle = left + wide / 2;
      const top = GROUND - high(good);
      if (good) bars.add("f-ok", block(left + gap / 2, top, wide - gap, high(good)));
      if (expected) bars.add("s-future", block(left + gap / 2 + 0.5, top + 0.5 - high(expected), wide - gap - 1, high(expected) - 1));
      // Where not all failures have room, their number stands on top.
      const fitting = Math.max(1, Math.floor((top - TOP - 2) / size));
      const shown = failed > fitting ? Math.max(1, fitting - 1) : failed;
      for (let place = 0; place < shown; place += 1) marks.push(markAt(failures[place]?.outcome ?? "failed", middle, top - 1 - (place + 0.5) * size, size + 1.5));
      if (failed > shown && middle > free) {
        marks.push(write(middle, top - shown * size - 3, `×${failed}`, "t-danger t-middle t-halo"));
        // The next number that has room.
        free = middle + 28;
      }
      // One can point at the whole slot, or at the failures in it.
      const known = failures.slice(0, shown);
      for (let place = 0; place < (known.length || 1); place += 1) {
        spots.push({
          slot, opens: known[place], x0: left, x1: left + wide,
          y0: place < known.length - 1 ? top - 1 - (place + 1) * size : TOP, y1: place ? top - 1 - place * size : GROUND,
        });
      }
    });

    const sum = (of) => all.reduce((total, slot) => total + slot[of], 0);
    const minutes = duration(data.bucket).replace("m", " min");
    const caption = width < 500 ? `runs per ${minutes}` : `runs started per ${minutes}`;
    const nowX = axis.x(data.now);
    paint(
      node,
      {
        width, height: 84, spots, lines: linesOf, open: onOpen,
        label: `${runsOf(sum("good") + sum("failed"), sum("failed"))} in ${duration(data.now - data.from)}, ${sum("expected")} expected until ${hourMinute(data.to, zone())}`,
      },
      path("g-line", axis.lines(axis.labels, TOP, 68)), axis.words(81), axis.hatching(TOP, GROUND - TOP),
      bars.shapes(), marks, path("g-axis", `M0 ${GROUND + 0.5}H${width}`),
      nowX > caption.length * 6.7 + 12 && write(0, 10, caption),
      nowX < width - 120 && write(width, 10, "expected", "t-end"),
      axis.now(6, 70, "now"),
    );
  });
  return { ...chart, element: el("figure.day", chart.element) };
};
