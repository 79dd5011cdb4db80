// The timeline: what ran when, and what will. Tasks are lanes, as wide as the window of time that
// the address names; without one it goes with the time.

import { get } from "../api.js";
import { dayTime } from "../charts/axis.js";
import { downtimes } from "../charts/downtime.js";
import { block, hatch, path } from "../charts/shapes.js";
import { usualOf } from "../charts/track.js";
import { RANGES, canMoveOn, moved, ranged, searchOf, viewOf, windowOf, zoomed } from "../charts/window.js";
import { now, onSecond, onZone, zone } from "../clock.js";
import { el, fill, say, set, svg } from "../dom.js";
import { millis } from "../format.js";
import { pageKeys } from "../keys.js";
import { icon, isFailure, mark, outcomeOf, word } from "../marks.js";
import { broken, empty, skeleton } from "../parts/states.js";
import { all } from "../signal.js";
import { timelineGround } from "./timeline_ground.js";
import { laneList } from "./timeline_lanes.js";

// Faster than this, bars in place of the lanes would only flicker.
const PATIENCE = 150;
const MOST_TICKS = 5000;
// As many as the API makes when nobody says how long a bucket is.
const BUCKETS = 120;
const LEGEND = ["success", "running", "failed", "timeout", "stopped", "missed", "skipped"];
const ZOOM_REST = 250;
// A phone scrolls sideways, so that a day can be read.
const PHONE = matchMedia("(max-width: 43.75rem)");
const PHONE_WIDTH = 640;

const iso = (at) => new Date(at).toISOString();
const minuteOf = (at) => Math.floor(at / 60_000);

const barOf = (run) => ({
  id: run.id,
  start: run.start_at && millis(run.start_at),
  end: run.end_at && millis(run.end_at),
  outcome: run.status || run.end_reason ? outcomeOf(run) : "running",
  replica: run.replica_index ?? 0,
});

const legend = () => {
  const drawn = (shape, text) => el("span", svg("svg.chart", { width: 14, height: 12, "aria-hidden": "true" }, shape), text);
  return el("p.legend",
    LEGEND.map((outcome) => el("span", mark(outcome), word(outcome))),
    drawn(path("s-future", block(0.5, 0.5, 13, 11)), "expected"), drawn(hatch(0, 0, 14, 12), "daemon down"));
};

export const mount = (root, { store }) => {
  let view = viewOf(location.search);
  let lanes = new Map();
  let down = [];
  let truncatedAt = Infinity;
  let loaded = null;
  let request;
  let schedules = "";
  let bold = new Set();
  let width = 0;
  let isPlaced = false;
  let learnTimer = 0;
  let frame = 0;
  let minute = minuteOf(now());
  let zoomedAt = 0;

  const ground = timelineGround();
  const list = laneList({ store, onBucket: (at) => look(zoomed(view, -1, at, now())) });
  const span = el("p");
  const segments = Object.entries(RANGES).map(([range, { text }]) =>
    el("button.segment", { value: range, onclick: () => look(ranged(view, range, anchor(), now())) }, text));
  const step = (by, glyph, label) => el("button.button.button-icon", { "aria-label": label, title: label, onclick: () => move(by) }, icon(glyph));
  const later = step(1, "next", "Later");
  const scroll = el("div.lanes-axis", { tabindex: "0", role: "group", "aria-label": "Time" }, ground.head);
  const body = el("div.lanes-body", ground.under, list.element, ground.over);
  const chart = el("div.lanes", el("div.lanes-head", el("div.lanes-caption", ground.caption), scroll, el("span")), body);
  const state = el("div");

  fill(
    root,
    el("div.page-head", el("h1", "Timeline"), span),
    el("div.filters.timeline-bar",
      el("div.segments", { role: "group", "aria-label": "Range" }, segments),
      step(-1, "back", "Earlier"),
      el("button.button", { onclick: () => look({ ...view, to: null }) }, "Now"),
      later,
      el("span.spacer"),
      legend()),
    state, chart, ground.notes,
  );

  const current = () => ({ ...windowOf(view, now()), now: now(), width, bold, down, truncatedAt });

  // What keeps its place when the range changes: now, if one sees it.
  const anchor = () => {
    const { from, to, now: at } = current();
    return at >= from && at <= to ? at : (from + to) / 2;
  };

  const look = (next) => {
    if (next.range === view.range && next.to === view.to) return;
    view = next;
    history.replaceState(history.state, "", location.pathname + searchOf(view));
    read();
    render();
  };

  // ── Data ──

  const read = async () => {
    request?.abort();
    const { signal } = (request = new AbortController());
    const { from, to, now: at } = current();
    const end = Math.min(to, at);
    const patience = setTimeout(() => (loaded ? set(chart, "aria-busy", "true") : fill(state, skeleton(10))), PATIENCE);
    try {
      const [past, coming, lives] = await Promise.all([
        end > from ? get("/api/timeline", { from: iso(from), to: iso(end) }, { signal }) : { tasks: [] },
        to > at ? get("/api/upcoming", { until: iso(to), limit: MOST_TICKS }, { signal }) : { items: [] },
        get("/api/daemon/history", { limit: 200 }, { signal }),
      ]);
      if (signal.aborted) return;
      down = downtimes(lives.items);
      truncatedAt = coming.truncated ? millis(coming.items.at(-1).at) : Infinity;
      keep(past.tasks, coming.items, Math.max(1, Math.floor((end - from) / 1000 / BUCKETS)) * 1000);
      loaded = { from, to };
      fill(state);
      learn();
    } catch (error) {
      if (signal.aborted) return;
      loaded = null;
      fill(state, broken(error, () => { fill(state); read(); }));
    } finally {
      clearTimeout(patience);
      if (!signal.aborted) {
        set(chart, "aria-busy", null);
        render();
      }
    }
  };

  const laneOf = (name) => {
    if (!lanes.has(name)) lanes.set(name, { runs: [], ticks: [], usual: 0 });
    return lanes.get(name);
  };

  // What the daemon says of a task may be here before the task is.
  const keep = (tracks, coming, bucket) => {
    lanes = new Map();
    for (const { task_name: name, runs = [], buckets } of tracks) {
      const bars = runs.map(barOf);
      Object.assign(laneOf(name), { runs: bars, usual: usualOf(bars), bucket, buckets: buckets?.map((one) => ({ ...one, at: millis(one.at) })) });
    }
    for (const { task_name: name, at } of coming) laneOf(name).ticks.push(millis(at));
  };

  const hearRun = (kind, run) => {
    const lane = lanes.get(run.task_name);
    if (!lane || !loaded) return;
    const bar = barOf(run);
    if (lane.buckets) count(lane, kind, bar);
    else {
      lane.runs = lane.runs.filter(({ id }) => id !== run.id);
      if (kind !== "deleted" && (bar.start ?? bar.end) !== undefined) lane.runs.push(bar);
      lane.usual = usualOf(lane.runs);
    }
    list.redraw(current(), run.task_name);
    // Bars end at the line of now, so all that run go with it.
    learnTimer ||= setTimeout(() => {
      learnTimer = 0;
      learn();
      render();
    }, 1000);
  };

  const count = ({ buckets, bucket }, kind, { start, outcome }) => {
    if (kind !== "ended" || !start) return;
    const at = buckets[0].at + Math.floor((start - buckets[0].at) / bucket) * bucket;
    let found = buckets.find((one) => one.at === at);
    if (!found) buckets.push((found = { at, count: 0, failed: 0 }));
    found.count += 1;
    if (isFailure(outcome)) found.failed += 1;
    if (isFailure(outcome) || !found.worst) found.worst = outcome;
  };

  // ── Drawing ──

  const know = () => {
    for (const task of store.tasks.values()) {
      const isService = task.kind === "service";
      Object.assign(laneOf(task.name), { task, isService, instances: isService ? task.instances : 1, isWanted: !task.stopped });
    }
  };

  const learn = () => {
    know();
    ground.learn([...lanes.values()].filter(({ task }) => task?.kind === "task"), current());
  };

  const render = () => {
    frame ||= requestAnimationFrame(draw);
  };

  const draw = () => {
    frame = 0;
    const { from, to, now: at } = current();
    say(span, `${dayTime(from)} to ${dayTime(to)}, ${zone() ?? Intl.DateTimeFormat().resolvedOptions().timeZone}`);
    for (const segment of segments) set(segment, "aria-pressed", String(segment.value === view.range));
    later.disabled = !canMoveOn(view, at);
    chart.hidden = ground.notes.hidden = !loaded || !store.tasks.size;
    if (loaded && store.isLoaded && !store.tasks.size) fill(state, empty("No tasks yet", "Tasks are defined in runwisp.toml."));
    if (chart.hidden) return;
    stand();
    width = PHONE.matches ? PHONE_WIDTH : scroll.clientWidth;
    bold = ground.draw(current(), list.element.offsetHeight);
    list.redraw(current());
    if (!isPlaced && store.tasks.size) {
      isPlaced = true;
      body.scrollLeft = ((at - from) / (to - from)) * width - scroll.clientWidth * 0.75;
    }
  };

  const stand = () => {
    know();
    list.show([...Map.groupBy(store.tasks.values(), ({ group }) => group ?? "")].map(([name, tasks]) => [name, tasks.map((task) => lanes.get(task.name))]));
  };

  const sized = new ResizeObserver(render);
  sized.observe(scroll);

  // ── Moving in time ──

  body.addEventListener("scroll", () => { scroll.scrollLeft = body.scrollLeft; }, { passive: true });

  chart.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    if (event.timeStamp - zoomedAt < ZOOM_REST || !event.deltaY) return;
    zoomedAt = event.timeStamp;
    const { from, to } = current();
    const share = (event.clientX - ground.head.getBoundingClientRect().left) / width;
    look(zoomed(view, Math.sign(event.deltaY), from + share * (to - from), now()));
  }, { passive: false });

  const zoom = (by) => look(zoomed(view, by, anchor(), now()));
  const move = (by) => look(moved(view, by, now()));
  const moveInside = (by) => ({ target }) => chart.contains(target) && move(by);

  const end = all(
    pageKeys({ "+": () => zoom(-1), "=": () => zoom(-1), "-": () => zoom(1), ArrowLeft: moveInside(-1), ArrowRight: moveInside(1) }),
    store.onRun(hearRun),
    store.onStale(read),
    store.onChange(() => {
      // Who pauses or resumes changes what is to come.
      const next = [...store.tasks.values()].map(({ name, group, paused, cron }) => [name, group, paused, cron].join()).join("\n");
      if (next === schedules) {
        if (loaded) stand();
        return;
      }
      if (schedules) read();
      schedules = next;
      learn();
      render();
    }),
    onZone(render),
    onSecond((at) => {
      if (minuteOf(at) === minute) return;
      minute = minuteOf(at);
      // The window that goes with the time has moved on.
      if (loaded && windowOf(view, at).to !== loaded.to) read();
      learn();
      render();
    }),
  );
  read();

  return () => {
    end();
    request.abort();
    sized.disconnect();
    list.destroy();
    clearTimeout(learnTimer);
    cancelAnimationFrame(frame);
  };
};
