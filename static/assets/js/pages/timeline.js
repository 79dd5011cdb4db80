// The timeline: what ran when, and what will. Tasks are lanes, as wide as the window of time that
// the address names; without one it goes with the time.

import { get } from "../api.js";
import { box } from "../charts/box.js";
import { downtimes } from "../charts/downtime.js";
import { usualOf } from "../charts/track.js";
import { RANGES, canMoveOn, moved, ranged, searchOf, viewOf, windowOf, zoomed } from "../charts/window.js";
import { now, onSecond, onZone, schedulerZone, zone } from "../clock.js";
import { el, fill, isTyping, say, set, svg } from "../dom.js";
import { dayMonth, hourMinute, millis } from "../format.js";
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

const iso = (at) => new Date(at).toISOString();

const barOf = (run) => ({
  id: run.id,
  start: run.start_at && millis(run.start_at),
  end: run.end_at && millis(run.end_at),
  outcome: run.status ? outcomeOf(run) : (run.end_reason ?? "running"),
  replica: run.replica_index ?? 0,
});

const legend = () =>
  el("p", { class: "legend" },
    LEGEND.map((outcome) => el("span", {}, mark(outcome), word(outcome))),
    el("span", {}, svg("svg", { class: "chart", width: 14, height: 12, "aria-hidden": "true" }, svg("rect", { class: "s-future", x: 0.5, y: 0.5, width: 13, height: 11 })), "expected"),
    el("span", {}, svg("svg", { class: "chart", width: 14, height: 12, "aria-hidden": "true" }, svg("path", { class: "f-hatch", d: "M0 5L5 0M0 11L11 0M3 12L14 1M9 12L14 7" })), "daemon down"));

export const mount = (root, { store }) => {
  let view = viewOf(location.search);
  let lanes = new Map();
  let down = [];
  let truncatedAt = null;
  let loaded = null;
  let request = null;
  // Null when the lanes are other ones than those that are shown.
  let shownNames = null;
  let width = 0;
  let isPlaced = false;
  let learnTimer = 0;
  let frame = 0;
  let minute = Math.floor(now() / 60_000);
  let wheelAt = 0;

  const ground = timelineGround();
  const list = laneList({ store, onBucket: (at) => look(zoomed(view, -1, at, now())) });
  const span = el("p", {});
  const segments = Object.entries(RANGES).map(([range, { text }]) =>
    el("button", { class: "segment", onclick: () => look(ranged(view, range, anchor(), now())) }, text));
  const step = (by, glyph, label) => el("button", { class: "button button-icon", "aria-label": label, title: label, onclick: () => look(moved(view, by, now())) }, icon(glyph));
  const later = step(1, "next", "Later");
  const scroll = el("div", { class: "lanes-axis", tabindex: "0", role: "group", "aria-label": "Time" }, ground.axis);
  const body = el("div", { class: "lanes-body" }, ground.under, list.element, ground.over);
  const chart = el("div", { class: "lanes" }, el("div", { class: "lanes-head" }, el("div", { class: "lanes-caption" }, ground.caption), scroll, el("span")), body);
  const state = el("div");

  fill(
    root,
    el("div", { class: "page-head" }, el("h1", {}, "Timeline"), span),
    el("div", { class: "filters timeline-bar" },
      el("div", { class: "segments", role: "group", "aria-label": "Range" }, segments),
      step(-1, "back", "Earlier"),
      el("button", { class: "button", onclick: () => look({ ...view, to: null }) }, "Now"),
      later,
      el("span", { class: "spacer" }),
      legend()),
    state, chart, ground.notes,
  );

  const current = () => ({ ...windowOf(view, now()), now: now(), width, bold });
  let bold = new Set();

  // What keeps its place when the range changes: now, if one sees it.
  const anchor = () => {
    const { from, to } = windowOf(view, now());
    const at = now();
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
    const own = new AbortController();
    request = own;
    const { from, to } = windowOf(view, now());
    const at = now();
    const end = Math.min(to, at);
    const patience = setTimeout(() => {
      if (loaded) chart.setAttribute("aria-busy", "true");
      else fill(state, skeleton(10));
    }, PATIENCE);
    try {
      const [past, coming, lives] = await Promise.all([
        end > from ? get("/api/timeline", { from: iso(from), to: iso(end) }, { signal: own.signal }) : { tasks: [] },
        to > at ? get("/api/upcoming", { until: iso(to), limit: MOST_TICKS }, { signal: own.signal }) : { items: [] },
        get("/api/daemon/history", { limit: 200 }, { signal: own.signal }),
      ]);
      if (request !== own) return;
      down = downtimes(lives.items);
      truncatedAt = coming.truncated ? millis(coming.items.at(-1).at) : null;
      keep(past.tasks, coming.items, Math.max(1, Math.floor((end - from) / 1000 / BUCKETS)) * 1000);
      loaded = { from, to };
      fill(state);
      learn();
    } catch (error) {
      if (request !== own || own.signal.aborted) return;
      loaded = null;
      fill(state, broken(error, () => { fill(state); read(); }));
    } finally {
      clearTimeout(patience);
      if (request === own) {
        set(chart, "aria-busy", null);
        render();
      }
    }
  };

  const laneOf = (name) => {
    let lane = lanes.get(name);
    if (!lane) lanes.set(name, (lane = { task: null, runs: [], buckets: null, bucket: 0, ticks: [], usual: 0 }));
    return lane;
  };

  // What the daemon says of a task may be here before the task is.
  const keep = (tracks, coming, bucket) => {
    lanes = new Map();
    shownNames = null;
    for (const { task_name: name, runs, buckets } of tracks) {
      const lane = laneOf(name);
      if (runs) lane.runs = runs.map(barOf);
      else {
        lane.buckets = buckets.map((one) => ({ ...one, at: millis(one.at) }));
        lane.bucket = bucket;
      }
      lane.usual = usualOf(lane.runs);
    }
    for (const { task_name: name, at } of coming) laneOf(name).ticks.push(millis(at));
    know();
  };

  const know = () => {
    for (const [name, task] of store.tasks) {
      const isService = task.kind === "service";
      Object.assign(laneOf(name), { task, isService, instances: isService ? task.instances : 1, isWanted: !task.stopped });
    }
  };

  const hearRun = (kind, run) => {
    const lane = lanes.get(run.task_name);
    if (!lane || !loaded) return;
    const bar = kind === "deleted" ? null : barOf(run);
    if (lane.buckets) count(lane, kind, bar);
    else {
      lane.runs = lane.runs.filter(({ id }) => id !== run.id);
      if (bar && (bar.start !== undefined || bar.end !== undefined)) lane.runs.push(bar);
      if (kind === "ended") lane.usual = usualOf(lane.runs);
    }
    list.redraw(current(), run.task_name);
    // Bars end at the line of now, so it goes with them, and all that run go with it.
    learnTimer ||= setTimeout(() => {
      learnTimer = 0;
      learn();
      drawGround();
      for (const [name, { runs }] of lanes) if (runs.some(({ end: at }) => at === undefined)) list.redraw(current(), name);
    }, 1000);
  };

  const count = (lane, kind, bar) => {
    if (!bar?.start) return;
    const at = lane.buckets[0].at + Math.floor((bar.start - lane.buckets[0].at) / lane.bucket) * lane.bucket;
    let found = lane.buckets.find((one) => one.at === at);
    if (kind === "started") {
      if (!found) lane.buckets.push((found = { at, count: 0, failed: 0 }));
      found.count += 1;
    } else if (kind === "ended" && found) {
      found.failed += isFailure(bar.outcome) ? 1 : 0;
      found.worst = isFailure(bar.outcome) ? bar.outcome : (found.worst ?? bar.outcome);
    }
  };

  // ── Drawing ──

  const learn = () => ground.learn([...lanes.values()].filter(({ task }) => task), current());

  const drawGround = () => {
    if (!width || !loaded) return;
    bold = ground.draw(current(), { height: list.element.offsetHeight, down, truncatedAt });
  };

  const render = () => {
    frame ||= requestAnimationFrame(draw);
  };

  const draw = () => {
    frame = 0;
    const { from, to } = windowOf(view, now());
    const place = zone() ?? Intl.DateTimeFormat().resolvedOptions().timeZone ?? schedulerZone();
    const named = (at) => `${dayMonth(at, zone())} ${hourMinute(at, zone())}`;
    say(span, `${named(from)} to ${named(to)}, ${place}`);
    segments.forEach((segment, index) => set(segment, "aria-pressed", String(Object.keys(RANGES)[index] === view.range)));
    later.disabled = !canMoveOn(view, now());
    const isEmpty = store.isLoaded !== false && !store.tasks.size;
    chart.hidden = ground.notes.hidden = !loaded || isEmpty;
    if (isEmpty && loaded) return fill(state, empty("No tasks yet", "Tasks are defined in runwisp.toml. The smallest one:", '[tasks.hello]\ncron = "*/5 * * * *"\nrun = "date"'));
    if (!loaded) return;
    group();
    width ||= widthOf(scroll.clientWidth);
    drawGround();
    list.redraw(current());
    startAtNow();
  };

  const group = () => {
    const names = [...store.tasks.values()].map(({ name, group: of }) => `${of}/${name}`).join("\n");
    know();
    if (names === shownNames) return list.stand();
    if (loaded) learn();
    shownNames = names;
    const groups = new Map();
    for (const task of store.tasks.values()) {
      const of = task.group ?? "";
      if (!groups.has(of)) groups.set(of, []);
      groups.get(of).push(lanes.get(task.name));
    }
    list.show([...groups].map(([name, of]) => ({ name, lanes: of })));
  };

  // Never so narrow that a day cannot be read: a phone scrolls sideways.
  const phone = matchMedia("(max-width: 43.75rem)");
  const widthOf = (room) => {
    const made = phone.matches ? Math.max(room, 640) : room;
    body.style.setProperty("--plot", `${made}px`);
    return made;
  };

  const startAtNow = () => {
    if (isPlaced || !store.tasks.size) return;
    isPlaced = true;
    const { from, to } = windowOf(view, now());
    const x = ((now() - from) / (to - from)) * width;
    body.scrollLeft = Math.max(0, x - scroll.clientWidth * 0.75);
  };

  const sized = box(scroll, (room) => {
    width = widthOf(room);
    if (!loaded) return;
    drawGround();
    list.redraw(current());
  });

  // ── Moving in time ──

  body.addEventListener("scroll", () => { scroll.scrollLeft = body.scrollLeft; }, { passive: true });
  body.addEventListener("reveal", ({ detail: x }) => {
    const room = scroll.clientWidth;
    if (x < body.scrollLeft + 20 || x > body.scrollLeft + room - 20) body.scrollLeft = x - room / 2;
  });

  chart.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    if (event.timeStamp - wheelAt < ZOOM_REST || !event.deltaY) return;
    wheelAt = event.timeStamp;
    const { from, to } = windowOf(view, now());
    const share = (event.clientX - ground.axis.getBoundingClientRect().left) / width;
    look(zoomed(view, event.deltaY > 0 ? 1 : -1, from + share * (to - from), now()));
  }, { passive: false });

  const onKey = (event) => {
    if (isTyping(event.target) || event.ctrlKey || event.metaKey || event.altKey) return;
    const isInside = chart.contains(event.target);
    if (event.key === "+" || event.key === "=") look(zoomed(view, -1, anchor(), now()));
    else if (event.key === "-") look(zoomed(view, 1, anchor(), now()));
    else if (isInside && event.key === "ArrowLeft") look(moved(view, -1, now()));
    else if (isInside && event.key === "ArrowRight") look(moved(view, 1, now()));
    else return;
    event.preventDefault();
  };
  document.addEventListener("keydown", onKey);

  let pauses = "";
  const end = all(
    store.onRun(hearRun),
    store.onStale(read),
    store.onChange(() => {
      // Who pauses or resumes changes what is to come.
      const next = [...store.tasks.values()].map(({ name, paused, cron }) => `${name} ${paused} ${cron}`).join("\n");
      if (pauses && next !== pauses) read();
      pauses = next;
      if (!loaded) return;
      group();
      if (list.element.offsetHeight !== Number(ground.under.getAttribute("height"))) render();
    }),
    onZone(render),
    onSecond((at) => {
      if (Math.floor(at / 60_000) === minute) return;
      minute = Math.floor(at / 60_000);
      // The window that goes with the time has moved on.
      if (loaded && windowOf(view, at).to !== loaded.to) read();
      learn();
      render();
    }),
  );
  read();

  return () => {
    end();
    request?.abort();
    sized.destroy();
    list.destroy();
    clearTimeout(learnTimer);
    cancelAnimationFrame(frame);
    document.removeEventListener("keydown", onKey);
  };
};
