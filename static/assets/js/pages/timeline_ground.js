// What lies under and over all lanes of the timeline: the axis, the grid, the future, when the
// daemon was down, what starts in the same minute, how much ran at once, and now.

import { hatching, sizeTo } from "../charts/box.js";
import { disc, path, rect, round, write } from "../charts/shapes.js";
import { alike, atOnce, collisions, finerStep, peakAt, tickStep, ticks } from "../charts/stats.js";
import { zone } from "../clock.js";
import { el, fill, svg } from "../dom.js";
import { absolute, dayMonth, dayName, duration, hourMinute, plural } from "../format.js";
import { taskPath } from "../router.js";

const HEAD = 76;
const GROUND = 70;
const DAY = 86_400_000;
const MOST_FLAGS = 8;
const MOST_NOTES = 6;
const MOST_NAMES = 8;

export const timelineGround = () => {
  const under = svg("svg", { class: "chart lanes-under", "aria-hidden": "true" });
  // Boxes and not drawings: what lies over everything is painted again whenever anything moves.
  const over = el("div", { class: "lanes-over", "aria-hidden": "true" });
  const line = (name, at) => {
    const node = el("div", { class: name });
    node.style.insetInlineStart = `${at}px`;
    return node;
  };
  const axis = svg("svg", { class: "chart", height: HEAD, role: "img" });
  const notes = el("dl", { class: "notes" });
  const caption = el("span");
  const hatch = hatching();
  let facts = { steps: [], found: [], groups: [], bins: null };

  /** What the lanes have in common; costs more than to draw it. Gives the minutes to draw bold. */
  const learn = (lanes, { from, to, now }) => {
    const spans = [];
    const starts = [];
    let isCounted = false;
    for (const { isService, runs, buckets, ticks: coming, task: { name } } of lanes) {
      if (isService) continue;
      if (buckets) isCounted = true;
      for (const run of runs) {
        if (run.start === undefined) continue;
        spans.push({ start: run.start, end: run.end ?? now });
        if (run.start >= from && run.start <= to) starts.push({ at: run.start, name });
      }
      for (const at of coming) if (at > now && at <= to) starts.push({ at, name });
    }
    const found = collisions(starts);
    facts = { steps: atOnce(spans), found, groups: alike(found, now), bins: isCounted ? started(lanes, from, to) : null };
  };

  // Where runs are only counted nobody knows how many ran at once.
  const started = (lanes, from, to) => {
    const bins = new Array(120).fill(0);
    const put = (at, count) => {
      const bin = Math.floor(((at - from) / (to - from)) * bins.length);
      if (bins[bin] !== undefined) bins[bin] += count;
    };
    for (const { isService, runs, buckets } of lanes) {
      if (isService) continue;
      if (buckets) for (const { at, count } of buckets) put(at, count);
      else for (const run of runs) if (run.start !== undefined) put(run.start, 1);
    }
    return bins;
  };

  const draw = (view, { height, down, truncatedAt }) => {
    const { from, to, now, width } = view;
    const x = (at) => round(((at - from) / (to - from)) * width);
    const step = tickStep(to - from, width);
    const labels = ticks(from, to, step, zone());
    const strong = new Set(labels.map(({ at }) => at));
    const fine = ticks(from, to, finerStep(step), zone()).filter(({ at }) => !strong.has(at));
    const crisp = (at) => Math.round(x(at)) + 0.5;
    const gaps = down.filter((gap) => gap.to > from && gap.from < to).map((gap) => ({ ...gap, x0: Math.max(0, x(gap.from)), x1: Math.min(width, x(gap.to)) }));
    const nowX = x(now);
    const flags = flagsOf(x, width, nowX);
    sizeTo(under, width, height);
    sizeTo(axis, width, HEAD, `${facts.bins ? "Runs started" : "Runs at once"}, ${label(now)}. Left and right move in time, plus and minus change the range.`);
    const ahead = (high, y = 0) => nowX < width && rect("f-side", Math.max(0, nowX), y, round(width - Math.max(0, nowX)), high);
    const isDay = ({ isDay: is }) => is && to - from <= 8 * DAY;
    const lines = (of, y, end) => of.map(({ at }) => `M${crisp(at)} ${y}V${end}`).join("");
    const isNow = nowX >= 0 && nowX <= width;

    fill(
      under, hatch.definition, ahead(height),
      path("g-line", lines([...fine, ...labels.filter((one) => !isDay(one))], 0, height)),
      path("g-axis", lines(labels.filter(isDay), 0, height)),
      gaps.map(({ x0, x1 }) => svg("rect", { fill: hatch.fill, x: x0, y: 0, width: Math.max(1.5, round(x1 - x0)), height })),
    );
    fill(over, flags.map(({ at }) => line("line-dot", Math.round(x(at)))), isNow && line("line-now", nowX - 0.75));
    fill(
      axis, ahead(HEAD - 22, 22),
      path("g-line", lines(labels, 22, HEAD)),
      labels.map(({ at, label: text, isDay: is }) => (is || x(at) > 16) && x(at) < width - 16 && write(Math.max(x(at), text.length * 3.4), 16, text, is ? "t-middle t-strong" : "t-middle")),
      curve(view, x),
      path("g-axis", `M0 ${GROUND + 0.5}H${width}`),
      path("g-dot", lines(flags, 26, HEAD)),
      downWords(gaps, flags, nowX),
      isNow && [
        path("g-now", `M${nowX} 28V${HEAD}`),
        disc("f-now", nowX, 28, 3.5),
        write(nowX > width - 50 ? nowX - 8 : nowX + 8, 32, hourMinute(now, zone()), nowX > width - 50 ? "t-accent t-halo t-end" : "t-accent t-halo"),
      ],
      flags.map(({ left, wide, text }) => text && [
        rect("f-ink", left, 26, wide, 16),
        write(left + 6, 38, text, "t-page"),
      ]),
    );
    caption.textContent = facts.bins ? "runs started" : "runs at once";
    tell(view, truncatedAt);
    return new Set(flags.filter(({ at }) => at > now).map(({ at }) => at / 60_000));
  };

  const label = (now) => {
    const most = facts.steps.reduce((peak, { at, count }) => (at <= now ? Math.max(peak, count) : peak), 0);
    return facts.bins ? `${facts.bins.reduce((sum, count) => sum + count, 0)} in all` : `at most ${most}`;
  };

  const curve = ({ to, now, width }, x) => {
    if (facts.bins) {
      const most = Math.max(...facts.bins, 1);
      const wide = width / facts.bins.length;
      const d = facts.bins.map((count, bin) => (count ? `M${round(bin * wide)} ${GROUND}v${-round((count / most) * 24)}h${round(Math.max(wide - 1, 1))}V${GROUND}z` : "")).join("");
      return path("f-strong", d);
    }
    // The peak of each column of pixels.
    const columns = new Array(Math.ceil(width)).fill(0);
    facts.steps.forEach(({ at, count }, index) => {
      if (!count || at > now) return;
      const end = Math.min(facts.steps[index + 1]?.at ?? now, now, to);
      const last = Math.min(Math.floor(x(end)), columns.length - 1);
      for (let column = Math.max(0, Math.floor(x(at))); column <= last; column += 1) columns[column] = Math.max(columns[column], count);
    });
    const unit = Math.min(8, 26 / Math.max(3, ...columns));
    const d = columns.map((count, column) => (count === columns[column - 1] ? "" : `H${column}V${round(GROUND - count * unit)}`)).join("");
    return path("f-strong", `M0 ${GROUND}${d}H${width}V${GROUND}z`);
  };

  // The largest crowds first, as many as have room beside each other. Of one that comes too often to
  // show them all there is the nearest only. What is beside now has no room for words.
  const flagsOf = (x, width, nowX) => {
    const taken = [];
    const flags = [];
    for (const { names, times } of facts.groups) {
      const near = times.filter((at) => x(at) >= 0 && x(at) <= width).sort((one, other) => Math.abs(x(one) - nowX) - Math.abs(x(other) - nowX));
      for (const at of near.slice(0, near.length > MOST_FLAGS ? 1 : MOST_FLAGS)) {
        if (flags.length === MOST_FLAGS) return flags;
        const text = `${names.length} ${x(at) > nowX ? "start" : "began"}`;
        const wide = round(text.length * 6.7 + 12);
        const left = x(at) + wide > width ? x(at) - wide : x(at);
        if (taken.some(([one, other]) => left < other + 4 && left + wide > one - 4)) continue;
        const isMute = left < nowX + 50 && left + wide > nowX - 6;
        taken.push(isMute ? [x(at) - 4, x(at) + 4] : [left, left + wide]);
        flags.push({ at, left, wide, text: !isMute && text });
      }
    }
    return flags;
  };

  const downWords = (gaps, flags, nowX) => {
    const taken = [[nowX - 6, nowX + 50], ...flags.map(({ left, wide }) => [left, left + wide])];
    return gaps.filter(({ x0, x1 }) => x1 - x0 >= 2).map((gap) => {
      const text = `daemon down ${duration(gap.to - gap.from)}`;
      const middle = round((gap.x0 + gap.x1) / 2);
      const end = middle - 10;
      const start = end - text.length * 6.7;
      if (start < 0 || taken.some(([one, other]) => start < other + 4 && middle > one - 4)) return null;
      taken.push([start, middle]);
      return [write(end, 38, text, "t-2 t-end t-halo"), path("g-axis", `M${end + 3} 34.5H${Math.round(middle)}.5V${HEAD}`)];
    });
  };

  const tell = ({ from, to, now }, truncatedAt) => {
    const day = (at) => (to - from > 8 * DAY ? `${dayMonth(at, zone())} ` : to - from > DAY ? `${dayName(at, zone()).slice(0, 3)} ` : "");
    const named = (names) => names.slice(0, MOST_NAMES).map((name, index) => [index ? ", " : "", el("a", { href: taskPath(name) }, name)]);
    const told = facts.groups.slice(0, MOST_NOTES).map(({ names, times, nearest }) => {
      const isComing = nearest > now;
      const peak = isComing ? null : peakAt(facts.steps, nearest);
      const atOnceWords = peak && !facts.bins ? `, ${peak.count} ran at once for ${duration(peak.lasted)}` : "";
      const again = times.length > 1 ? `, and ${times.length - 1 === 1 ? "once" : `${times.length - 1} times`} more` : "";
      return [
        el("dt", {}, `${day(nearest)}${hourMinute(nearest, zone())}`),
        el("dd", {}, `${names.length} ${isComing ? "start" : "began"} in the same minute${atOnceWords}${again}: `, named(names), names.length > MOST_NAMES && ` and ${names.length - MOST_NAMES} more`),
      ];
    });
    const rest = facts.groups.length - MOST_NOTES;
    fill(
      notes, told,
      rest > 0 && [el("dt"), el("dd", {}, `${plural(rest, "other group")} of tasks that start together`)],
      truncatedAt && truncatedAt < to && [el("dt", {}, hourMinute(truncatedAt, zone())), el("dd", {}, `Coming starts are shown until ${absolute(truncatedAt, zone()).slice(0, 16)}; there are more of them later.`)],
    );
  };

  return { under, over, axis, notes, caption, learn, draw };
};
