// The lanes of the timeline: one row per task, drawn when it comes into view. What pointer and keys
// find is found by its place; no bar has a listener or an element of its own.

import { sizeTo } from "../charts/box.js";
import { markAt, path, rect, round, write } from "../charts/shapes.js";
import { explain, hideTip, showTipAt } from "../charts/tooltip.js";
import { LANE, itemAt, trackOf } from "../charts/track.js";
import { now, setAge, settle, zone } from "../clock.js";
import { el, fill, reconcile, say, set, svg } from "../dom.js";
import { clock, dayMonth, duration, elapsed, hourMinute, millis, plural, relative } from "../format.js";
import { isFailure, mark, setMark, word } from "../marks.js";
import { go, runPath, taskPath } from "../router.js";
import { nextWord } from "../task_state.js";

const when = (at) => `${dayMonth(at, zone())} ${clock(at, zone())}`;

/** What a run, some runs, a bucket or a tick is, in lines. */
const linesOf = (lane, item) => {
  const { name } = lane.task;
  if (item.tick) return [name, `expected ${when(item.tick)}`, lane.usual > 0 && `usually takes ${duration(lane.usual)}`];
  if (item.bucket) {
    const { at, count, failed } = item.bucket;
    return [name, `${when(at).slice(0, -3)} to ${hourMinute(at + lane.bucket, zone())}`, `${plural(count, "run")}${failed ? `, ${failed} failed` : ""}`];
  }
  const run = item.runs.at(-1);
  const took = run.end === undefined ? ` for ${elapsed(now() - run.start)}` : run.start === undefined ? "" : ` after ${duration(run.end - run.start)}`;
  const replica = lane.instances > 1 ? ` #${run.replica}` : "";
  return [
    `${name}${replica}`,
    `${word(run.outcome)}${took}`,
    when(run.start ?? run.end),
    item.runs.length > 1 && `the last of ${item.runs.length} close together`,
  ];
};

const summary = (lane) => {
  const outcomes = new Map();
  const all = lane.buckets ? lane.buckets.reduce((sum, { count }) => sum + count, 0) : lane.runs.length;
  const failed = lane.buckets?.reduce((sum, bucket) => sum + bucket.failed, 0);
  if (failed) outcomes.set("failed", failed);
  for (const { outcome } of lane.buckets ? [] : lane.runs) {
    if (outcome !== "success") outcomes.set(word(outcome), (outcomes.get(word(outcome)) ?? 0) + 1);
  }
  const next = lane.task.next_run_at ? `next ${relative(millis(lane.task.next_run_at), now())}` : nextWord(lane.task);
  return `${lane.task.name}: ${[plural(all, "run"), ...[...outcomes].map(([name, count]) => `${count} ${name}`), next].filter(Boolean).join(", ")}`;
};

/** `onBucket(at)` opens a bucket; `lanes` are changed by the page, `redraw` shows them. */
export const laneList = ({ store, onBucket }) => {
  const element = el("div", { class: "lanes-list" });
  const rows = new Map();
  const visible = new Set();
  const dirty = new Set();
  let lanes = new Map();
  let view;
  let frame = 0;
  let pointed = { name: null, item: -1 };

  const seen = new IntersectionObserver((entries) => {
    for (const { target, isIntersecting } of entries) {
      if (isIntersecting) visible.add(target.dataset.key);
      else visible.delete(target.dataset.key);
    }
    schedule();
  }, { rootMargin: "300px 0px" });

  const create = ({ task }) => {
    const { name } = task;
    const row = {
      items: [],
      mark: mark("idle"),
      name: el("span", { class: "side-name" }, name),
      count: el("span", { class: "count" }),
      plot: svg("svg", { class: "chart lane-plot", role: "img", tabindex: rows.size ? "-1" : "0" }),
      next: el("time", { class: "lane-next" }),
    };
    const at = (x, y) => itemAt(row.items, x, y);
    row.element = el("li", { class: "lane" }, el("a", { class: "lane-name", href: taskPath(name), title: name, tabindex: "-1" }, row.mark, row.name, row.count), row.plot, row.next);
    explain(row.plot, (x, y) => {
      const item = row.items[at(x, y)];
      row.plot.classList.toggle("chart-open", Boolean(item && !item.tick));
      return item ? linesOf(lanes.get(name), item) : null;
    });
    row.plot.addEventListener("click", ({ clientX, clientY }) => {
      const { left, top } = row.plot.getBoundingClientRect();
      open(name, row.items[at(clientX - left, clientY - top)]);
    });
    rows.set(name, row);
    return row.element;
  };

  const open = (name, item) => {
    if (item?.bucket) onBucket(item.bucket.at);
    else if (item?.runs) go(runPath(name, item.runs.at(-1).id));
  };

  /** The rows of these groups `[{ name, lanes }]`. */
  const show = (groups) => {
    lanes = new Map(groups.flatMap((group) => group.lanes.map((lane) => [lane.task.name, lane])));
    for (const name of rows.keys()) {
      if (lanes.has(name)) continue;
      seen.unobserve(rows.get(name).element);
      rows.delete(name);
      visible.delete(name);
    }
    reconcile(element, groups, ({ name }) => name, ({ name }) => el("section", { "aria-label": name || "Tasks" }, el("h2", { class: "lane-group" }, el("span", {}, name || "tasks")), el("ul", {})),
      (section, group) => reconcile(section.lastChild, group.lanes, ({ task }) => task.name, (lane) => {
        const made = create(lane);
        seen.observe(made);
        return made;
      }));
    const plots = [...rows.values()].map(({ plot }) => plot);
    if (plots.length && !plots.some((plot) => plot.getAttribute("tabindex") === "0")) plots[0].setAttribute("tabindex", "0");
    stand();
  };

  /** How the tasks stand now: marks, counts, next runs. */
  const stand = () => {
    for (const [name, row] of rows) {
      const { task } = lanes.get(name);
      const outcome = store.markOf(name);
      setMark(row.mark, outcome);
      say(row.count, store.countOf(name));
      set(row.element.firstChild, "aria-label", `${name}, ${word(outcome)}`);
      const text = nextWord(task);
      if (text) settle(row.next, text);
      else if (row.next.dataset.age !== String(millis(task.next_run_at))) setAge(row.next, millis(task.next_run_at));
    }
  };

  const draw = (name) => {
    const row = rows.get(name);
    const lane = lanes.get(name);
    if (!row || !lane || !view) return;
    const { paths, marks, texts, items } = trackOf(lane, view);
    row.items = items;
    sizeTo(row.plot, view.width, LANE, summary(lane));
    row.ring = path("g-focus");
    fill(
      row.plot,
      [...paths].map(([className, d]) => path(className, d)),
      marks.map(({ outcome, x, y, size }) => [
        isFailure(outcome) && path("f-page", `M${round(x)} ${round(y - size * 0.62)}l${size * 0.62} ${size * 0.62}-${size * 0.62} ${size * 0.62}-${size * 0.62}-${size * 0.62}z`),
        markAt(outcome, x, y, size),
      ]),
      texts.map(({ text, x, y, wide }) => [
        rect("f-page", round(x - 1), round(y - 9), round(wide + 2), 11),
        write(round(x), round(y), text, "t-danger"),
      ]),
      row.ring,
    );
    if (pointed.name === name) pointed.item = Math.min(pointed.item, items.length - 1);
  };

  const schedule = () => {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      for (const name of [...dirty]) {
        if (!visible.has(name)) continue;
        dirty.delete(name);
        draw(name);
      }
    });
  };

  /** Draws one lane, or all of them, in this view. */
  const redraw = (next, name) => {
    view = next;
    if (name) dirty.add(name);
    else for (const one of lanes.keys()) dirty.add(one);
    schedule();
  };

  // ── Keys: up and down from lane to lane, left and right through its runs ──

  const nameOf = (node) => node.closest?.(".lane")?.dataset.key;

  const point = (name, item) => {
    if (pointed.name) rows.get(pointed.name)?.ring?.setAttribute("d", "");
    const row = rows.get(name);
    pointed = { name, item };
    const found = row?.items[item];
    if (!found) return hideTip();
    const middle = found.tick ? found.x0 : (found.x0 + found.x1) / 2;
    const half = Math.max(found.x1 - found.x0, 8) / 2 + 3;
    row.ring.setAttribute("d", `M${round(Math.max(1, middle - half))} 3h${round(half * 2)}v26h${-round(half * 2)}z`);
    showTipAt(row.plot, linesOf(lanes.get(name), found), middle, 20);
    row.plot.closest(".lanes-body")?.dispatchEvent(new CustomEvent("reveal", { detail: middle }));
  };

  const step = (name, by) => {
    const { items } = rows.get(name);
    if (!items.length) return;
    // The first step goes to the newest run, not into the future.
    const newest = items.findLastIndex(({ tick }) => !tick);
    const from = pointed.name === name && pointed.item >= 0 ? pointed.item + by : newest < 0 ? 0 : newest;
    point(name, Math.min(Math.max(from, 0), items.length - 1));
  };

  const change = (name, by) => {
    const all = [...element.querySelectorAll(".lane-plot")];
    const target = all[all.indexOf(rows.get(name).plot) + by];
    if (!target) return;
    target.focus({ preventScroll: true });
    target.scrollIntoView({ block: "nearest", inline: "nearest" });
  };

  element.addEventListener("keydown", (event) => {
    const name = nameOf(event.target);
    if (!name || event.target !== rows.get(name)?.plot || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const keys = {
      ArrowLeft: () => step(name, -1), ArrowRight: () => step(name, 1),
      ArrowUp: () => change(name, -1), ArrowDown: () => change(name, 1), k: () => change(name, -1), j: () => change(name, 1),
      Home: () => point(name, 0), End: () => point(name, rows.get(name).items.length - 1),
      Enter: () => (pointed.name === name && pointed.item >= 0 ? open(name, rows.get(name).items[pointed.item]) : go(taskPath(name))),
      Escape: () => point(name, -1),
    };
    if (!keys[event.key]) return;
    event.preventDefault();
    event.stopPropagation();
    keys[event.key]();
  });
  element.addEventListener("focusin", ({ target }) => {
    if (!target.classList.contains("lane-plot")) return;
    for (const { plot } of rows.values()) set(plot, "tabindex", plot === target ? "0" : "-1");
  });
  element.addEventListener("focusout", () => point(null, -1));

  return {
    element, show, stand, redraw,
    destroy() {
      seen.disconnect();
      cancelAnimationFrame(frame);
    },
  };
};
