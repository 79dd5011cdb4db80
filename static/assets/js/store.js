// What this tab knows of the daemon: read once, then kept true by one event stream. Pages draw
// from here and hear of changes at most once a frame.

import { mutedUntil } from "./alerts.js";
import { get, ofTask } from "./api.js";
import { learn, learnZone, now } from "./clock.js";
import { onReturn } from "./connection.js";
import { millis } from "./format.js";
import { onPresence } from "./presence.js";
import { signal } from "./signal.js";
import { follow } from "./stream.js";
import { countOf, markOf, stateOf, timeOf } from "./task_state.js";

const OUTCOMES = 30;
const RECENT = 200;
// Settled for a moment, so that many ticks of one second are one question.
const NEXT_PATIENCE = 1500;
const NEXT_REST = 5000;
const POLL = 10_000;
/** A mute that is over is seen to be. */
const UNMUTED = 50;
/** Timers count in 32 bits. */
const LONGEST = 2 ** 30;

const changes = signal();
const runs = signal();
const stale = signal();
const samples = signal();
const notices = signal();

const tasks = new Map();
const active = new Map();
const outcomes = new Map();
const latest = new Map();
let liveOf = new Map();
let recent = [];
let info = null;
let system = null;
let isLoaded = false;

let framed = false;
/** Tells of a change with the next frame. */
const changed = () => {
  liveOf = null;
  if (framed) return;
  framed = true;
  requestAnimationFrame(() => {
    framed = false;
    changes.emit();
  });
};

const live = (name) => {
  if (!liveOf) {
    liveOf = new Map();
    for (const run of active.values()) {
      const known = liveOf.get(run.task_name);
      if (known) known.push(run);
      else liveOf.set(run.task_name, [run]);
    }
  }
  return liveOf.get(name) ?? [];
};

const entry = (task) => {
  const made = { task, live: live(task.name), latest: latest.get(task.name), outcomes: outcomes.get(task.name) ?? [] };
  return { ...made, state: stateOf(made) };
};

const readTasks = async () => {
  const list = await get("/api/tasks");
  tasks.clear();
  for (const task of list) tasks.set(task.name, task);
  planNext();
  planUnmute();
  planSettled();
};

// Whether an instance is well is no event, so those that may become it are asked for.
const SETTLED = new Set(["healthy", "stopped", "finished", "fatal"]);
let settleTimer;
const planSettled = () => {
  clearTimeout(settleTimer);
  const open = [...tasks.values()].filter(({ replicas = [] }) => replicas.some(({ state }) => !SETTLED.has(state)));
  if (!open.length) return;
  settleTimer = setTimeout(() => {
    for (const { name } of open) passed.add(name);
    askNext();
  }, NEXT_REST);
};

// The end of a mute is no event either.
let unmuteTimer;
const planUnmute = () => {
  clearTimeout(unmuteTimer);
  const ends = [...tasks.values()].map((task) => mutedUntil(task, now())).filter(Boolean);
  if (ends.length) unmuteTimer = setTimeout(() => { changed(); planUnmute(); }, Math.min(Math.min(...ends) - now() + UNMUTED, LONGEST));
};

const readRuns = async () => {
  const [open, newest] = await Promise.all([
    get("/api/runs", { status: "pending,running", limit: 1000 }),
    get("/api/runs", { limit: RECENT }),
  ]);
  active.clear();
  for (const run of open.runs) active.set(run.id, run);
  recent = newest.runs;
};

const readOutcomes = async () => {
  const { items } = await get("/api/outcomes", { last: OUTCOMES });
  outcomes.clear();
  latest.clear();
  for (const item of items) {
    outcomes.set(item.task_name, item.runs);
    if (item.latest) latest.set(item.task_name, item.latest);
  }
};

const readInfo = async () => {
  info = await get("/api/info");
  learnZone(info.resolved_timezone);
};

/** Remembers what is heard of runs until `tell(hear)` says it again, or `end()`: an answer that was on its way may be older. */
const listen = () => {
  const heard = [];
  const end = runs.on((kind, run) => heard.push([kind, run]));
  const tell = (hear) => {
    end();
    for (const [kind, run] of heard) hear(kind, run);
  };
  return { tell, end };
};

let reading = null;
let readAgain = false;
/** Reads everything; a call during a read leads to one more. */
const read = () => {
  if (reading) {
    readAgain = true;
    return reading;
  }
  const heard = listen();
  reading = Promise.all([readOutcomes(), readTasks(), readRuns(), readInfo()])
    .then(() => {
      heard.tell((kind, run) => (kind === "deleted" ? drop(run) : keep(run)));
      isLoaded = true;
      changed();
    })
    .finally(() => {
      heard.end();
      reading = null;
      if (readAgain) {
        readAgain = false;
        read().catch(() => {});
      }
    });
  return reading;
};

/** What is shown may be old: read it, and have pages read theirs. */
const refresh = () => {
  read().catch(() => {});
  stale.emit();
};

// ── Next runs: they are no event, so they are asked for when one has passed ──

const passed = new Set();
let nextTimer;
let passTimer;
let askedAt = 0;

const planNext = () => {
  clearTimeout(passTimer);
  let earliest = Infinity;
  for (const task of tasks.values()) {
    const at = millis(task.next_run_at);
    if (at < earliest) earliest = at;
  }
  if (earliest === Infinity) return;
  passTimer = setTimeout(askPassed, Math.min(Math.max(earliest - now(), 0) + NEXT_PATIENCE, LONGEST));
};

const askPassed = () => {
  for (const task of tasks.values()) if (millis(task.next_run_at) <= now()) passed.add(task.name);
  askNext();
};

const askNext = () => {
  // Not put off by the next event: where they never cease, nothing would ever be asked.
  if (nextTimer) return;
  nextTimer = setTimeout(async () => {
    nextTimer = 0;
    if (document.hidden || !passed.size) return planNext();
    askedAt = Date.now();
    const names = [...passed];
    passed.clear();
    try {
      if (names.length > 3) await readTasks();
      else await Promise.all(names.filter((name) => tasks.has(name)).map(async (name) => tasks.set(name, await get(ofTask(name)))));
      changed();
    } catch {
      // Unreachable or gone: whoever comes back reads everything.
    }
    planNext();
    planSettled();
  }, Math.max(NEXT_PATIENCE, askedAt + NEXT_REST - Date.now()));
};

document.addEventListener("visibilitychange", () => document.hidden || askPassed());

// ── Events ──

const place = (run) => {
  const at = recent.findIndex(({ id }) => id === run.id);
  if (at >= 0) recent[at] = run;
  else if (!recent.length || millis(run.created_at) >= millis(recent.at(-1).created_at)) {
    recent.push(run);
    recent.sort((a, b) => millis(b.created_at) - millis(a.created_at) || (a.id < b.id ? 1 : -1));
    recent.length = Math.min(recent.length, RECENT);
  }
};

const ended = (run) => {
  active.delete(run.id);
  const name = run.task_name;
  const before = latest.get(name);
  if (!before || timeOf(run) >= timeOf(before)) latest.set(name, run);
  const took = millis(run.end_at) - millis(run.start_at);
  const outcome = { id: run.id, end_reason: run.end_reason, failure: run.failure, ...(took >= 0 && { duration_ms: took }) };
  const list = (outcomes.get(name) ?? []).filter(({ id }) => id !== run.id);
  outcomes.set(name, [outcome, ...list].slice(0, OUTCOMES));
};

const keep = (run) => {
  if (run.status === "ended") ended(run);
  else active.set(run.id, run);
  place(run);
};

const drop = ({ id, task_name: name }) => {
  active.delete(id);
  recent = recent.filter((run) => run.id !== id);
  outcomes.set(name, (outcomes.get(name) ?? []).filter((one) => one.id !== id));
};

const apply = (kind, run) => {
  keep(run);
  const task = tasks.get(run.task_name);
  if (task && (task.kind === "service" || (kind === "created" && run.triggered_by === "cron"))) {
    passed.add(run.task_name);
    askNext();
  }
  runs.emit(kind, run);
  changed();
};

const forget = ({ run_id: id, task_name: name }) => {
  drop({ id, task_name: name });
  if (latest.get(name)?.id === id) {
    get(ofTask(name, "/runs"), { limit: 1, status: "ended" })
      .then(({ runs: [run] }) => {
        if (run) latest.set(name, run);
        else latest.delete(name);
        changed();
      })
      .catch(() => {});
  }
  runs.emit("deleted", { id, task_name: name });
  changed();
};

const hear = (name, data) => {
  if (data.run) apply(name.slice(4).replace("completed", "ended").replace("failed", "ended"), data.run);
  else if (name === "run.deleted") forget(data);
  else if (name === "system.sample") learnSystem(data);
  else if (name === "tasks.changed") readTasks().then(changed).catch(() => {});
  else if (name === "resync") refresh();
  else if (name.startsWith("notification")) notices.emit(name, data);
};

const learnSystem = (data) => {
  system = data;
  if (data.now) learn(millis(data.now));
  samples.emit(data);
};

let stream = null;
let streamState = "connecting";
const streamChanges = signal();
let begin;
/** The stream is open, or will not be soon: what is read from now on is as new as its events. */
const begun = new Promise((resolve) => { begin = resolve; });
let isBegun = false;

const hearState = (name, isResumed) => {
  streamState = name;
  // Nothing is missed where it goes on behind the last event; the daemon says if it cannot.
  if (name === "open" && !isResumed && isBegun) refresh();
  if (name !== "connecting" && !isBegun) {
    isBegun = true;
    begin();
  }
  streamChanges.emit(name);
};

/** Opens the stream and reads everything; resolves when it is there. Throws as requests do. */
const start = async () => {
  stream ??= follow(() => "/api/stream", { hear, state: hearState });
  await begun;
  await read();
};

onReturn(refresh);

// A window that is seen but has no stream, because others are used, reads again and again.
let poll;
onPresence((away) => {
  clearInterval(poll);
  if (away && !document.hidden) poll = setInterval(() => document.hidden || refresh(), POLL);
});

export const store = {
  start,
  refresh,
  /** By name, in the order of the configuration. */
  tasks,
  /** Runs that have not ended, by id. */
  active,
  get isLoaded() { return isLoaded; },
  /** The newest runs of all tasks, newest first. */
  get recent() { return recent; },
  get info() { return info; },
  /** The newest sample of the host, null before the first. */
  get system() { return system; },
  get streamState() { return streamState; },
  live,
  latest: (name) => latest.get(name),
  outcomes: (name) => outcomes.get(name) ?? [],
  /** All tasks with how they stand, in the order of the configuration. */
  entries: () => [...tasks.values()].map(entry),
  entry: (name) => (tasks.has(name) ? entry(tasks.get(name)) : undefined),
  markOf: (name) => (tasks.has(name) ? markOf(entry(tasks.get(name))) : "idle"),
  countOf: (name) => (tasks.has(name) ? countOf(entry(tasks.get(name))) : ""),
  /** Hears that something has changed, once a frame. */
  onChange: changes.on,
  /** Hears `created`, `started`, `updated`, `ended`, `deleted` and the run. */
  onRun: runs.on,
  listen,
  /** Hears that what a page has read itself may be old. */
  onStale: stale.on,
  /** Hears samples of the host. */
  onSample: samples.on,
  /** Hears the events of the bell: name and data. */
  onNotice: notices.on,
  /** Hears the states of the event stream. */
  onStream: streamChanges.on,
};
