// How a task stands and what its row says, from its settings, its live runs and its last end.
// Pure: the instant of "now" is an argument.

import { bytes, duration, millis } from "./format.js";
import { isFailure, outcomeOf, word } from "./marks.js";
import { schedule } from "./cron_words.js";

/** In the order of urgency. */
export const STATES = ["attention", "running", "scheduled", "manual", "idle"];

/** When a run happened: its start, else its creation. */
export const timeOf = (run) => millis(run.start_at ?? run.created_at);

/** Where a run belongs in a list, newest first; -1 is behind all. */
export const placeOf = (run, runs) =>
  runs.findIndex((known) => millis(known.created_at) < millis(run.created_at) || (known.created_at === run.created_at && known.id < run.id));

/** How long it took; of a running one, so far. NaN if it never started. */
export const tookOf = (run, now) => (run.end_at ? millis(run.end_at) : now) - millis(run.start_at);

const some = ({ replicas = [] }, wanted) => replicas.filter(({ state }) => state === wanted).length;

/** How many instances of a service are missing; 0 for tasks and for what was stopped. What has done its work is not. */
export const missing = ({ task, live }) =>
  task.kind === "service" && !task.stopped
    ? Math.max(0, task.instances - live.filter(({ status }) => status === "running").length - some(task, "finished"))
    : 0;

/** `entry` is `{ task, live, latest }`: settings, runs that have not ended, the newest that has. */
export const stateOf = (entry) => {
  const { task, live, latest } = entry;
  if (task.fatal || missing(entry)) return "attention";
  if (live.length) return "running";
  if (task.stopped) return "idle";
  if (latest && isFailure(outcomeOf(latest))) return "attention";
  if (task.next_run_at) return "scheduled";
  return task.kind === "task" && !task.cron && task.api_trigger ? "manual" : "idle";
};

/** The outcome whose mark stands for the task. */
export const markOf = (entry) => {
  const { task, live, latest } = entry;
  const running = live.filter(({ status }) => status === "running").length;
  if (task.fatal) return "fatal";
  if (missing(entry)) return running ? "partial" : latest && isFailure(outcomeOf(latest)) ? outcomeOf(latest) : "partial";
  if (task.stopped) return "stopped";
  if (running) return "running";
  if (live.length) return "pending";
  return latest ? outcomeOf(latest) : "idle";
};

/** `2/3` of a service that is partly down, `×3` of one with several instances. */
export const countOf = (entry) => {
  const { task } = entry;
  if (task.kind !== "service") return "";
  const down = missing(entry);
  if (down) return `${task.instances - down}/${task.instances}`;
  return task.instances > 1 ? `×${task.instances}` : "";
};

/** When something last happened. */
export const lastOf = ({ live, latest }) => {
  const newest = live.reduce((best, run) => (best && timeOf(best) >= timeOf(run) ? best : run), null);
  return newest ?? latest ?? null;
};

export const triggerOf = (task) => {
  if (task.kind === "service") return task.instances > 1 ? `Service ×${task.instances}` : "Service";
  if (task.cron) return task.cron;
  return task.api_trigger ? "Manual trigger" : "Not triggered";
};

/** What stands for the next run where there is none to count down to; null where there is. */
export const nextWord = (task) => {
  if (task.kind === "service") return task.stopped ? "Stopped" : task.fatal ? "Gave up" : "Always on";
  if (task.paused) return "Paused";
  if (task.held_by) return "Held";
  if (task.next_run_at) return null;
  return task.cron ? "Not scheduled" : "Manual only";
};

/** `failed, exit 1`; `timeout`; a success is silent about its exit code. */
export const endWords = (run) => {
  const outcome = outcomeOf(run);
  const tellsCode = word(outcome) === "failed" && run.exit_code > 0;
  return tellsCode ? `${word(outcome)}, exit ${run.exit_code}` : word(outcome);
};

/** The last result of a row, and whether it is a word of trouble. */
export const resultOf = (entry, now) => {
  const { task, live, latest } = entry;
  const down = missing(entry);
  if (task.fatal && down >= task.instances) return { outcome: "fatal", text: "fatal" };
  if (down && down < task.instances) return { outcome: task.fatal ? "fatal" : "partial", text: `${task.instances - down}/${task.instances} up` };
  if (live.some(({ status }) => status === "running")) return { outcome: "running", text: some(task, "starting") ? "starting" : "running" };
  if (live.length) return { outcome: "pending", text: task.kind === "service" ? "Starting" : "waiting" };
  if (task.stopped) return { outcome: "stopped", text: "stopped" };
  if (some(task, "waiting")) return { outcome: "pending", text: "waiting" };
  if (!latest) return { outcome: "idle", text: "No runs yet" };
  const isGood = latest.end_reason === "success";
  return { outcome: outcomeOf(latest), text: isGood ? duration(tookOf(latest, now)) : endWords(latest) };
};

const byName = (a, b) => (a.task.name < b.task.name ? -1 : 1);
const number = (value, otherwise) => (Number.isFinite(value) ? value : otherwise);
const activity = (entry) => {
  const last = lastOf(entry);
  return number(last ? timeOf(last) : NaN, -Infinity);
};
// Infinity minus Infinity is no number, and means the same.
const byActivity = (a, b) => activity(b) - activity(a) || byName(a, b);

const nextOf = ({ task }) => number(millis(task.next_run_at), Infinity);

/** Orders of the list, by their name in the interface. */
export const ORDERS = {
  "Attention first": (a, b) => STATES.indexOf(a.state) - STATES.indexOf(b.state) || byActivity(a, b),
  Name: byName,
  "Last activity": byActivity,
  "Next run": (a, b) => nextOf(a) - nextOf(b) || byActivity(a, b),
};

/** Whether the name or the description has the text, in any case. */
export const matches = (task, text) => {
  const wanted = text.trim().toLowerCase();
  return !wanted || task.name.toLowerCase().includes(wanted) || (task.description ?? "").toLowerCase().includes(wanted);
};

const REPLICAS = {
  starting: "pending", healthy: "running", stopping: "stopped", backoff: "missed", waiting: "pending",
  stopped: "stopped", finished: "success", fatal: "fatal",
};

/** How an instance stands: `{ outcome, text }`. The newest events know more of it than what was read before. */
export const instanceOf = (replica, current, last) => {
  if (replica && replica.run_id === current?.id) return { outcome: REPLICAS[replica.state] ?? "idle", text: replica.state };
  if (current) return { outcome: "pending", text: current.status === "running" ? "starting" : "pending" };
  return last ? { outcome: outcomeOf(last), text: endWords(last) } : { outcome: "idle", text: "not started" };
};

/** What a run has used, as far as it is known: names and values. */
export const usedOf = ({ cpu_ms: cpu, peak_memory_bytes: memory }) =>
  [cpu >= 0 && ["cpu", duration(cpu)], memory >= 0 && ["peak memory", bytes(memory)]].filter(Boolean);

/** `cpu 12s, peak memory 31.0 MB`; empty when nobody knows. */
export const usedWords = (run) => usedOf(run).map((pair) => pair.join(" ")).join(", ");

/** The settings of a task in one line of words. */
export const policyOf = (task) => {
  const words = [];
  if (task.kind === "service") {
    words.push(task.restart === "always" ? "always on" : `restart ${word(task.restart)}`);
    words.push(`${task.restart_backoff ?? "constant"} back-off from ${duration((task.restart_delay ?? 0) / 1e6)}`);
    return words.join(", ");
  }
  if (task.cron) words.push(schedule(task.cron) ?? task.cron);
  if (task.retry_attempts) words.push(task.retry_attempts === 1 ? "one retry" : `${task.retry_attempts} retries`);
  if (task.timeout) words.push(`timeout ${duration(task.timeout / 1e6)}`);
  const overlap = { queue: "queue", skip: "skip", terminate: "replace" }[task.on_overlap];
  if (overlap) words.push(overlap === "replace" ? "replaces a run that is still going" : `${overlap} when still running`);
  return words.join(", ");
};
