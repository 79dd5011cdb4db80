// The lanes of the timeline: one row per task, drawn when it comes into view.

import { dayTime } from "../charts/axis.js";
import { paint } from "../charts/chart.js";
import { markAt, write } from "../charts/shapes.js";
import { countsOf, runsOf } from "../charts/stats.js";
import { LANE, trackOf } from "../charts/track.js";
import { now, setDue, settle, zone } from "../clock.js";
import { el, reconcile, say, svg } from "../dom.js";
import { clock, dayMonth, duration, elapsed, hourMinute, millis } from "../format.js";
import { hidden, mark, setMark, word } from "../marks.js";
import { go, runPath, taskPath } from "../router.js";
import { nextWord } from "../task_state.js";

const when = (at) => `${dayMonth(at, zone())} ${clock(at, zone())}`;

/** What a tick, a bucket, a run or some runs are, in lines. */
const linesOf = ({ task: { name }, usual, bucket, instances }, { tick, opens, count }) => {
  if (tick) return [name, `expected ${when(tick)}`, usual > 0 && `usually takes ${duration(usual)}`];
  if (!opens.id) return [name, `${dayTime(opens.at)} to ${hourMinute(opens.at + bucket, zone())}`, runsOf(opens.count, opens.failed)];
  const { start, end, outcome, replica } = opens;
  const took = end === undefined ? ` for ${elapsed(now() - start)}` : start === undefined ? "" : ` after ${duration(end - start)}`;
  return [
    instances > 1 ? `${name} #${replica}` : name,
    word(outcome) + took,
    when(start ?? end),
    count > 1 && `the last of ${count} close together`,
  ];
};

const summary = ({ task, buckets, runs }) => {
  const sum = (of) => buckets.reduce((all, bucket) => all + bucket[of], 0);
  return `${task.name}: ${buckets ? runsOf(sum("count"), sum("failed")) : countsOf(runs.map(({ outcome }) => outcome)) || "no run"}`;
};

/** `onBucket(at)` opens a bucket; `lanes` are changed by the page, `redraw` shows them. */
export const laneList = ({ store, onBucket }) => {
  const element = el("div.lanes-list");
  const rows = new Map();
  let view;
  let frame = 0;

  const seen = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      const row = rows.get(target.dataset.key);
      if (row) row.isVisible = isIntersecting;
    }
    schedule();
  }, { rootMargin: "300px 0px" });

  const create = ({ task: { name } }) => {
    const row = {
      mark: mark("idle"),
      count: el("span.count"),
      says: hidden(""),
      plot: svg("svg.chart.lane-plot"),
      next: el("time.lane-next"),
    };
    row.link = el("a.lane-name", { href: taskPath(name), title: name }, row.mark, el("span.side-name", name, row.says), row.count);
    const made = el("li.lane", row.link, el("div.chart-box", { tabindex: "0", "data-row": true }, row.plot), row.next);
    rows.set(name, row);
    seen.observe(made);
    return made;
  };

  /** The rows of these groups, `[name, lanes]`. */
  const show = (groups) => {
    const names = new Set(groups.flatMap(([, lanes]) => lanes.map(({ task }) => task.name)));
    for (const name of rows.keys()) if (!names.has(name)) rows.delete(name);
    reconcile(
      element, groups, ([name]) => name,
      ([name]) => el("section", { "aria-label": name || "Tasks" }, el("h2.lane-group", el("span", name || "tasks")), el("ul")),
      (section, [, lanes]) => reconcile(section.lastChild, lanes, ({ task }) => task.name, create, (_, lane) => stand(lane)),
    );
  };

  /** How a task stands now: its mark, its instances, its next run. */
  const stand = (lane) => {
    const { task } = lane;
    const row = rows.get(task.name);
    const outcome = store.markOf(task.name);
    row.lane = lane;
    setMark(row.mark, outcome);
    say(row.count, store.countOf(task.name));
    say(row.says, `, ${word(outcome)}`);
    const text = nextWord(task);
    if (text) settle(row.next, text);
    else setDue(row.next, millis(task.next_run_at));
  };

  const draw = (row) => {
    const { lane, plot } = row;
    const { name } = lane.task;
    const { shapes, marks, texts, spots } = trackOf(lane, view);
    row.isDirty = false;
    paint(
      plot,
      {
        width: view.width, height: LANE, label: summary(lane), spots,
        lines: (spot) => linesOf(lane, spot),
        open: ({ id, at }) => (id ? go(runPath(name, id)) : onBucket(at)),
      },
      shapes(), marks.map(({ outcome, x, y, size }) => markAt(outcome, x, y, size)),
      texts.map(({ text, x, y }) => write(x, y, text, "t-danger")),
    );
  };

  const schedule = () => {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      for (const row of rows.values()) if (row.isVisible && row.isDirty) draw(row);
    });
  };

  return {
    element, show,
    /** Draws all lanes in this view, or one. */
    redraw(next, name) {
      view = next;
      for (const row of name ? [rows.get(name)] : rows.values()) if (row) row.isDirty = true;
      schedule();
    },
    destroy() {
      seen.disconnect();
      cancelAnimationFrame(frame);
    },
  };
};
