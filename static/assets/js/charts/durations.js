// How long the last runs of a task took, against what is usual, and how they ended, on one x.

import { now, zone } from "../clock.js";
import { el, fill, svg } from "../dom.js";
import { absolute, duration, elapsed, millis, plural } from "../format.js";
import { isFailure, outcomeOf, word } from "../marks.js";
import { box, pointing, sizeTo } from "./box.js";
import { apart, scaleOf } from "./scale.js";
import { disc, markAt, path, rect, round, write } from "./shapes.js";
import { barOf } from "./strip.js";
import { FILL, tone } from "./tone.js";

const HEIGHT = 90;
const TOP = 4;
const GROUND = 63.5;
const GUTTER = 58;

export const durationChart = ({ onSelect }) => {
  const drawing = svg("svg", { class: "chart", role: "img" });
  const title = el("b");
  const usually = el("span");
  const summary = el("span", { class: "only-wide" });
  const host = el("div", { class: "chart-box" }, drawing);
  const element = el("figure", { class: "durations" }, el("figcaption", {}, title, usually, summary), host);
  let data = { runs: [] };
  let times = [];
  let spots = [];
  let plot = 0;
  let ring;
  let growing;

  const pitch = () => Math.min(plot / Math.max(times.length, 1), 16);
  const left = () => plot - pitch() * times.length;
  const x = (index) => round(left() + (index + 0.5) * pitch());

  const measure = () => {
    const at = now();
    times = data.runs.map((run) => {
      const start = millis(run.start_at);
      const outcome = outcomeOf(run);
      const end = run.status === "ended" ? millis(run.end_at) : at;
      return { run, outcome, took: start ? Math.max(0, end - start) : NaN };
    });
  };

  const draw = (width) => {
    measure();
    plot = width - GUTTER;
    const scale = scaleOf(times, data.timeout);
    const y = (ms) => round(GROUND - (Math.min(ms, scale.max) / scale.max) * (GROUND - TOP));
    caption(scale);
    spots = times.map(({ took }, index) => ({ index, x: x(index), y: took >= 0 ? y(took) : GROUND }));
    ring = path("g-focus");
    sizeTo(drawing, width, HEIGHT, `Duration and outcome of the ${title.textContent}: ${usually.textContent}, ${summary.textContent}`);
    fill(drawing, ground(scale, y), column(), marks(scale, y), outcomes(), ring);
  };

  const ground = ({ usual, slow, low, high, max, limit }, y) => {
    const line = (name, ms) => path(name, `M0 ${Math.round(y(ms)) + 0.5}H${plot}`);
    const hasUsual = usual >= 0;
    const texts = [
      { y: TOP + 6, text: duration(max) },
      limit && { y: y(limit) + 4, text: "limit", name: "t-danger" },
      hasUsual && { y: y(usual) + 4, text: "usual" },
      { y: GROUND + 1.5, text: "0" },
      hasUsual && { y: y(slow) + 4, text: "p95" },
    ].filter(Boolean);
    return [
      hasUsual && rect("f-soft", 0, y(high), plot, round(Math.max(1, y(low) - y(high)))),
      path("g-line", `M0 ${TOP}.5H${plot}M0 ${GROUND}H${plot}`),
      hasUsual && y(slow) < y(usual) - 3 && line("g-line", slow),
      hasUsual && line("g-dash", usual),
      limit && line("g-limit", limit),
      apart(texts).map(({ y: at, text, name }) => write(plot + 8, at, text, name)),
    ];
  };

  const column = () => {
    const index = times.findIndex(({ run }) => run.id === data.selected);
    const wide = Math.max(pitch(), 6);
    return index >= 0 && rect("f-accent-wash", round(x(index) - wide / 2), 0, round(wide), HEIGHT);
  };

  const marks = ({ max }, y) => {
    let good = "";
    const special = [];
    times.forEach(({ outcome, took }, index) => {
      if (!(took >= 0)) return;
      const at = x(index);
      if (took > max) special.push(path("s-ink", `M${at - 3} ${TOP - 1}l3-3 3 3`));
      const high = took > max ? TOP + 4 : y(took);
      if (outcome === "success") good += `M${round(at - 2.25)} ${high}a2.25 2.25 0 1 0 4.5 0a2.25 2.25 0 1 0-4.5 0z`;
      else if (outcome === "running") special.push(path("g-now", `M${at} ${GROUND}V${high}`), disc("f-now", at, high, 3));
      else special.push(markAt(outcome, at, high, 10));
    });
    return [path("f-ok", good), special];
  };

  const outcomes = () => {
    const paths = new Map();
    const wide = round(Math.min(Math.max(1.5, pitch() - (pitch() > 4 ? 1.5 : 0.75)), 10));
    times.forEach(({ outcome }, index) => {
      const name = FILL[tone(outcome)];
      paths.set(name, (paths.get(name) ?? "") + barOf(outcome, round(x(index) - wide / 2), wide, HEIGHT));
    });
    return [...paths].map(([name, d]) => path(name, d));
  };

  const caption = ({ usual }) => {
    const counts = new Map();
    for (const { outcome } of times) {
      const name = outcome === "success" ? "ok" : word(outcome);
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    title.textContent = times.length === 1 ? "1 run" : `last ${plural(times.length, "run")}`;
    usually.textContent = usual >= 0 ? `usual ${duration(usual)}` : "";
    summary.textContent = [...counts].sort((one, other) => other[1] - one[1]).map(([name, count]) => `${count} ${name}`).join(", ");
  };

  const lines = (index) => {
    const { run, outcome, took } = times[index];
    const exit = isFailure(outcome) && run.exit_code > 0 ? `, exit ${run.exit_code}` : "";
    const long = outcome === "running" ? ` for ${elapsed(took)}` : took >= 0 ? ` after ${duration(took)}` : "";
    return [`${word(outcome)}${exit}${long}`, absolute(millis(run.start_at ?? run.created_at), zone()), run.retry_attempt > 0 && `retry ${run.retry_attempt}`];
  };

  pointing(drawing, {
    hit(px) {
      const index = Math.floor((px - left()) / pitch());
      return times[index] && px <= plot ? index : -1;
    },
    spots: () => spots,
    lines,
    open: (index) => onSelect(times[index].run),
    point(spot) {
      ring?.setAttribute("d", spot ? `M${spot.x - 5} 1h10v88h-10z` : "");
    },
  });

  const sized = box(host, draw);
  return {
    element,
    update(next) {
      data = next;
      clearInterval(growing);
      if (data.runs.some(({ status }) => status === "running")) growing = setInterval(sized.redraw, 1000);
      sized.redraw();
    },
    destroy() {
      clearInterval(growing);
      sized.destroy();
    },
  };
};
