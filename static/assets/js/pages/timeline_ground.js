// What lies under and over all lanes of the timeline: the axis, the grid, the future, when the
// daemon was down, what starts in the same minute, how much ran at once, and now.

import { dayTime, timeAxis } from "../charts/axis.js";
import { paint } from "../charts/chart.js";
import { block, path, round, write } from "../charts/shapes.js";
import { alike, atOnce, collisions, finerStep, ticks } from "../charts/stats.js";
import { zone } from "../clock.js";
import { el, fill, say, svg } from "../dom.js";
import { duration, hourMinute, plural } from "../format.js";
import { taskPath } from "../router.js";

const HEAD = 76;
const GROUND = 70;
const DAY = 86_400_000;
const MOST_FLAGS = 8;
const MOST_NOTES = 6;
const MOST_NAMES = 8;

export const timelineGround = () => {
  const under = svg("svg.chart.lanes-under", { "aria-hidden": "true" });
  // Boxes and not drawings: what lies over everything is painted again whenever anything moves.
  const over = el("div.lanes-over", { "aria-hidden": "true" });
  const head = svg("svg.chart");
  const notes = el("dl.notes");
  const caption = el("span");
  let steps = null;
  let groups = [];

  /** What the lanes have in common; costs more than to draw it. */
  const learn = (lanes, { from, to, now }) => {
    const spans = [];
    const starts = [];
    for (const { runs, ticks: coming, task: { name } } of lanes) {
      for (const { start, end = now } of runs) {
        if (start === undefined) continue;
        spans.push({ start, end });
        if (start >= from && start <= to) starts.push({ at: start, name });
      }
      for (const at of coming) if (at > now && at <= to) starts.push({ at, name });
    }
    // Where runs are only counted nobody knows how many ran at once.
    steps = lanes.some(({ buckets }) => buckets) ? null : atOnce(spans);
    groups = alike(collisions(starts), now);
    say(caption, steps ? "runs at once" : "");
  };

  /** Gives the minutes to draw bold. */
  const draw = (view, height) => {
    const { from, to, now, width } = view;
    const axis = timeAxis(view);
    const { x, labels, gaps } = axis;
    const nowX = x(now);
    const ahead = (y, high) => nowX < width && path("f-side", block(Math.max(0, nowX), y, width - Math.max(0, nowX), high));
    const days = to - from <= 8 * DAY ? labels.filter(({ isDay }) => isDay) : [];
    const columns = columnsOf(x, view);

    const taken = [];
    const claim = (left, right) => {
      const isFree = left >= 0 && taken.every(([one, other]) => right < one - 4 || left > other + 4);
      if (isFree) taken.push([left, right]);
      return isFree;
    };
    const flags = flagsOf(x, view, claim);
    taken.push([nowX - 6, nowX + 50]);

    paint(
      under, { width, height }, ahead(0, height),
      path("g-line", axis.lines(ticks(from, to, finerStep(axis.step), zone()), 0, height)),
      path("g-axis", axis.lines(days, 0, height)), axis.hatching(0, height),
    );
    const line = (name, at) => {
      const node = el("div", { class: name });
      node.style.insetInlineStart = `${at}px`;
      return node;
    };
    fill(over, flags.map(({ at }) => line("line-dot", Math.round(x(at)))), nowX >= 0 && nowX <= width && line("line-now", nowX - 0.75));
    paint(
      head,
      {
        width, height: HEAD,
        label: `Runs at once: ${steps ? `at most ${Math.max(...columns)}` : "not known"}. Left and right move in time, plus and minus change the range.`,
      },
      ahead(22, HEAD - 22), path("g-line", axis.lines(labels, 22, HEAD)), axis.words(16),
      path("f-strong", curve(columns)), path("g-axis", `M0 ${GROUND + 0.5}H${width}`), path("g-dot", axis.lines(flags, 26, HEAD)),
      gaps.map(({ x0, x1, took }) => {
        const text = `daemon down ${duration(took)}`;
        const end = Math.round((x0 + x1) / 2);
        if (x1 - x0 < 2 || !claim(end - 10 - text.length * 6.7, end)) return null;
        return [write(end - 10, 38, text, "t-2 t-end t-halo"), path("g-axis", `M${end - 7} 34.5H${end}.5V${HEAD}`)];
      }),
      axis.now(28, HEAD, hourMinute(now, zone())),
      flags.map(({ left, wide, text }) => text && [path("f-ink", block(left, 26, wide, 16)), write(left + 6, 38, text, "t-page")]),
    );
    tell(view);
    return new Set(flags.filter(({ at }) => at > now).map(({ at }) => at / 60_000));
  };

  /** The most runs at once in each column of pixels. */
  const columnsOf = (x, { width, now }) => {
    const columns = new Array(Math.ceil(width)).fill(0);
    steps?.forEach(({ at, count }, index) => {
      const last = Math.min(x(Math.min(steps[index + 1]?.at ?? at, now)), columns.length - 1);
      for (let column = Math.max(0, Math.floor(x(at))); column <= last; column += 1) columns[column] = Math.max(columns[column], count);
    });
    return columns;
  };

  const curve = (columns) => {
    const unit = Math.min(8, 26 / Math.max(3, ...columns));
    const d = columns.map((count, column) => (count === columns[column - 1] ? "" : `H${column}V${round(GROUND - count * unit)}`));
    return `M0 ${GROUND}${d.join("")}H${columns.length}V${GROUND}z`;
  };

  // The largest crowds first, as many as have room beside each other. Of one that comes too often to
  // show them all there is the nearest only. What is beside now has no room for words.
  const flagsOf = (x, { width, now }, claim) => {
    const flags = [];
    for (const { names, times } of groups) {
      const shown = times.filter((at) => x(at) >= 0 && x(at) <= width);
      for (const at of shown.length > MOST_FLAGS ? shown.slice(0, 1) : shown) {
        if (flags.length === MOST_FLAGS) return flags;
        const text = `${names.length} ${at > now ? "start" : "began"}`;
        const wide = text.length * 6.7 + 12;
        const left = x(at) + wide > width ? x(at) - wide : x(at);
        const isBesideNow = left < x(now) + 50 && left + wide > x(now) - 6;
        if (claim(left, left + wide)) flags.push({ at, left, wide, text: !isBesideNow && text });
      }
    }
    return flags;
  };

  const tell = ({ from, to, now, truncatedAt }) => {
    const when = (at) => el("dt", to - from > DAY ? dayTime(at) : hourMinute(at, zone()));
    const rest = groups.length - MOST_NOTES;
    fill(
      notes,
      groups.slice(0, MOST_NOTES).map(({ names, times }) => [
        when(times[0]),
        el("dd", `${names.length} ${times[0] > now ? "start" : "began"} in the same minute${times.length > 1 ? `, and ${plural(times.length - 1, "more time")}` : ""}: `,
          names.slice(0, MOST_NAMES).map((name, index) => [index > 0 && ", ", el("a", { href: taskPath(name) }, name)]),
          names.length > MOST_NAMES && ` and ${names.length - MOST_NAMES} more`),
      ]),
      rest > 0 && [el("dt"), el("dd", `${plural(rest, "other group")} of tasks that start together`)],
      truncatedAt < to && [when(truncatedAt), el("dd", `Coming starts are shown until ${dayTime(truncatedAt)}; there are more of them later.`)],
    );
  };

  return { under, over, head, notes, caption, learn, draw };
};
