// How long the last runs of a task took, against what is usual, and how they ended, on one x.

import { now, zone } from "../clock.js";
import { el } from "../dom.js";
import { absolute, duration, elapsed, millis, plural } from "../format.js";
import { isFailure, outcomeOf, word } from "../marks.js";
import { tookOf, usedWords } from "../task_state.js";
import { chartBox, paint } from "./chart.js";
import { barOf, block, dot, fillOf, layers, markAt, path, write } from "./shapes.js";
import { apart, countsOf, scaleOf } from "./stats.js";

const HEIGHT = 90;
const TOP = 4;
const GROUND = 63.5;
const GUTTER = 58;

const linesOf = ({ opens: run, outcome, took }) => [
  word(outcome) + (isFailure(outcome) && run.exit_code > 0 ? `, exit ${run.exit_code}` : "") +
    (outcome === "running" ? ` for ${elapsed(took)}` : took >= 0 ? ` after ${duration(took)}` : ""),
  absolute(millis(run.start_at ?? run.created_at), zone()),
  usedWords(run),
  run.retry_attempt > 0 && `retry ${run.retry_attempt}`,
];

export const durationChart = ({ onSelect }) => {
  const title = el("b");
  const usually = el("span");
  const summary = el("span.only-wide");
  let growing;

  const chart = chartBox((node, { runs, timeout, selected }, width) => {
    const plot = width - GUTTER;
    const pitch = Math.min(plot / runs.length, 16);
    const wide = Math.min(Math.max(1.5, pitch - (pitch > 4 ? 1.5 : 0.75)), 10);
    const spots = runs.map((run, index) => {
      const x1 = plot - pitch * (runs.length - index - 1);
      return { opens: run, outcome: outcomeOf(run), took: tookOf(run, now()), x0: x1 - pitch, x1, y0: 2, y1: HEIGHT - 2 };
    });
    const { usual, slow, low, high, max, limit } = scaleOf(spots, timeout);
    const y = (ms) => GROUND - (Math.min(ms, max) / max) * (GROUND - TOP);
    const line = (name, ms) => path(name, `M0 ${Math.round(y(ms)) + 0.5}H${plot}`);
    const hasUsual = usual >= 0;
    title.textContent = runs.length === 1 ? "1 run" : `last ${plural(runs.length, "run")}`;
    usually.textContent = hasUsual ? `usual ${duration(usual)}` : "";
    summary.textContent = countsOf(spots.map(({ outcome }) => outcome));

    const bars = layers();
    const marks = spots.map(({ outcome, took, x0, x1 }) => {
      const x = (x0 + x1) / 2;
      bars.add(fillOf(outcome), barOf(outcome, x - wide / 2, wide, HEIGHT));
      if (!(took >= 0)) return null;
      const top = took > max ? TOP + 4 : y(took);
      // Cut.
      if (took > max) bars.add("s-ink", `M${x - 3} ${TOP - 1}l3-3 3 3`);
      if (outcome === "success") bars.add("f-ok", dot(x, top, 2.25));
      else if (outcome === "running") {
        bars.add("g-now", `M${x} ${GROUND}V${top}`);
        bars.add("f-now", dot(x, top, 3));
      } else return markAt(outcome, x, top);
    });
    const column = spots.find(({ opens: { id } }) => id === selected);

    paint(
      node,
      {
        width, height: HEIGHT, spots, lines: linesOf, open: ({ id }) => onSelect(id),
        label: `Duration and outcome of the ${title.textContent}: ${usually.textContent}, ${summary.textContent}`,
      },
      hasUsual && path("f-soft", block(0, y(high), plot, Math.max(1, y(low) - y(high)))),
      path("g-line", `M0 ${TOP}.5H${plot}M0 ${GROUND}H${plot}`),
      hasUsual && y(slow) < y(usual) - 3 && line("g-line", slow),
      hasUsual && line("g-dash", usual),
      limit && line("g-limit", limit),
      apart([
        { y: TOP + 6, text: duration(max) },
        limit && { y: y(limit) + 4, text: "limit", name: "t-danger" },
        hasUsual && { y: y(usual) + 4, text: "usual" },
        { y: GROUND + 1.5, text: "0" },
        hasUsual && { y: y(slow) + 4, text: "p95" },
      ].filter(Boolean)).map((text) => write(plot + 8, text.y, text.text, text.name)),
      column && path("f-accent-wash", block(column.x0, 0, pitch, HEIGHT)),
      bars.shapes(), marks,
    );
  });

  return {
    element: el("figure.durations", el("figcaption", title, usually, summary), chart.element),
    update(data) {
      clearInterval(growing);
      if (data.runs.some(({ status }) => status === "running")) growing = setInterval(chart.redraw, 1000);
      chart.update(data);
    },
    destroy() {
      clearInterval(growing);
      chart.destroy();
    },
  };
};
