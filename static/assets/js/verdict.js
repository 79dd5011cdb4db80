// The overview's sentence: what is the matter, worst first, with the names as links. Pure; built
// from fixed templates.

import { listed, plural, relative } from "./format.js";
import { isFailure, outcomeOf } from "./marks.js";
import { missing, timeOf } from "./task_state.js";

const MOST = 4;
const NUMBERS = ["", "once", "twice", "three times", "four times", "five times", "six times", "seven times", "eight times", "nine times"];
const VERBS = {
  failed: "failed", timeout: "timed out", crashed: "was cut off when the daemon went down",
  log_overflow: "hit its log limit", missed: "missed a run",
  start_failed: "did not start", unhealthy: "was not well",
};
const SEVERITY = ["crashed", "failed", "start_failed", "unhealthy", "log_overflow", "timeout", "missed"];

/** How many failures in a row a list of outcomes, newest first, begins with. */
export const streak = (outcomes) => {
  const good = outcomes.findIndex((run) => !isFailure(outcomeOf(run)));
  return good < 0 ? outcomes.length : good;
};

const clause = (entry, now) => {
  const { task, latest } = entry;
  const down = missing(entry);
  if (task.fatal) {
    const starts = Math.max(...task.replicas.map(({ failed_starts: failed }) => failed));
    return { rank: -3, text: `${down < task.instances ? `has ${task.instances - down} of ${task.instances} instances up and ` : ""}gave up after ${plural(starts, "failed start")}` };
  }
  if (task.replicas?.every(({ state }) => state === "waiting")) return { rank: -1, text: `waits for ${listed(task.depends_on)}` };
  if (down === task.instances) return { rank: -2, text: "is down" };
  if (down) return { rank: -1, text: `has ${task.instances - down} of ${task.instances} instances up` };
  const verb = VERBS[latest.end_reason] ?? latest.end_reason.replaceAll("_", " ");
  const place = SEVERITY.indexOf(latest.end_reason);
  const rank = place < 0 ? SEVERITY.length : place;
  const row = latest.end_reason === "missed" ? 1 : streak(entry.outcomes);
  if (row > 1) {
    const times = row >= entry.outcomes.length && row > 9 ? "every time" : `${NUMBERS[row] ?? `${row} times`} in a row`;
    return { rank, text: `${verb} ${times}, last ${relative(timeOf(latest), now)}` };
  }
  return { rank, text: `${verb} ${relative(timeOf(latest), now)}` };
};

/** `{ title, clauses: [{ name, text }], more }` for entries with `{ task, live, latest, outcomes, state }`. */
export const verdict = (entries, now) => {
  if (!entries.length) return { title: "No tasks yet", clauses: [], more: 0 };
  const troubled = entries.filter(({ state }) => state === "attention");
  const all = entries.length === 1 ? "The only task is fine" : `All ${entries.length} tasks are fine`;
  if (!troubled.length) return { title: all, clauses: [], more: 0 };
  const need = troubled.length === 1 ? "needs" : "need";
  const title = entries.length === 1 ? "The only task needs attention" : `${troubled.length} of ${entries.length} tasks ${need} attention`;
  const clauses = troubled
    .map((entry) => ({ name: entry.task.name, at: entry.latest ? timeOf(entry.latest) : 0, ...clause(entry, now) }))
    .sort((a, b) => a.rank - b.rank || b.at - a.at);
  return { title, clauses: clauses.slice(0, MOST), more: Math.max(0, clauses.length - MOST) };
};
