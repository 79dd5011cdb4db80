// Run with `node --test tests/js`.

import assert from "node:assert/strict";
import test from "node:test";

import { streak, verdict } from "../../static/assets/js/verdict.js";

const NOW = Date.parse("2026-05-14T15:00:00Z");
const MINUTE = 60_000;
const outcomes = (...reasons) => reasons.map((end_reason) => ({ end_reason }));

/** A task whose last run ended `age` minutes ago; `row` are its outcomes, newest first. */
const entry = (name, row, age = 5) => ({
  task: { name, kind: "task" }, live: [], state: "attention", outcomes: outcomes(...row),
  latest: { status: "ended", end_reason: row[0], start_at: new Date(NOW - age * MINUTE).toISOString() },
});
const fine = (name) => ({ ...entry(name, ["success"]), state: "idle" });
const service = (name, instances, up, latest = null) => ({
  task: { name, kind: "service", instances }, live: Array.from({ length: up }, () => ({ status: "running" })), state: "attention", outcomes: [], latest,
});
const gaveUp = ({ task, ...rest }, starts) =>
  ({ ...rest, task: { ...task, fatal: true, replicas: [{ state: "healthy", failed_starts: 0 }, { state: "fatal", failed_starts: starts }] } });
const waits = ({ task, ...rest }) => ({ ...rest, task: { ...task, depends_on: ["cache", "queue"], replicas: [{ state: "waiting" }, { state: "waiting" }] } });
const clauseOf = (one) => verdict([one, fine("z")], NOW).clauses[0].text;

test("when all is well it is said in one sentence", () => {
  assert.deepEqual(verdict([], NOW), { title: "No tasks yet", clauses: [], more: 0 });
  assert.deepEqual(verdict([fine("a")], NOW), { title: "The only task is fine", clauses: [], more: 0 });
  assert.deepEqual(verdict(Array(14).fill(fine("a")), NOW), { title: "All 14 tasks are fine", clauses: [], more: 0 });
});

test("the sentence counts those that need attention", () => {
  const bad = entry("a", ["failed"]);
  assert.equal(verdict([bad, fine("b")], NOW).title, "1 of 2 tasks needs attention");
  assert.equal(verdict([bad, bad, fine("b")], NOW).title, "2 of 3 tasks need attention");
});

test("a clause says what happened, how often in a row, and when", () => {
  for (const [one, text] of [
    [entry("a", ["failed", "success"]), "failed 5m ago"],
    [entry("a", ["start_failed"]), "did not start 5m ago"], [entry("a", ["unhealthy"]), "was not well 5m ago"],
    [waits(service("a", 2, 0)), "waits for cache and queue"],
    [gaveUp(service("a", 2, 0), 4), "gave up after 4 failed starts"],
    [gaveUp(service("a", 3, 2), 1), "has 2 of 3 instances up and gave up after 1 failed start"],
    [entry("a", ["failed", "failed", "success"]), "failed twice in a row, last 5m ago"],
    [entry("a", [...Array(9).fill("timeout"), "success"]), "timed out nine times in a row, last 5m ago"],
    [entry("a", [...Array(12).fill("failed"), "success"]), "failed 12 times in a row, last 5m ago"],
    [entry("a", Array(10).fill("failed")), "failed every time, last 5m ago"],
    [entry("a", Array(9).fill("failed")), "failed nine times in a row, last 5m ago"],
    // So few runs do not make a habit.
    [entry("a", Array(3).fill("failed")), "failed three times in a row, last 5m ago"],
    [entry("a", ["missed", "missed"], 120), "missed a run 2h ago"],
    [entry("a", ["crashed"]), "was cut off when the daemon went down 5m ago"],
    [entry("a", ["log_overflow"]), "hit its log limit 5m ago"],
    [service("web", 3, 2), "has 2 of 3 instances up"],
    [service("web", 3, 0), "is down"],
    [service("web", 1, 0), "is down"],
  ]) assert.equal(clauseOf(one), text);
});

test("the worst comes first, of equals the newest, and no more than four", () => {
  const all = [
    entry("late", ["timeout"], 1), entry("old", ["failed"], 60), entry("gone", ["missed"], 1), entry("new", ["failed"], 2), fine("fine"),
    entry("cut", ["crashed"], 90), service("half", 2, 1), service("down", 2, 0),
  ];
  const { title, clauses, more } = verdict(all, NOW);
  assert.equal(title, "7 of 8 tasks need attention");
  assert.deepEqual(clauses.map(({ name }) => name), ["down", "half", "cut", "new"]);
  assert.equal(more, 3);
  assert.equal(verdict(all.slice(0, 4), NOW).more, 0);
});

test("a streak ends with the first run that was no failure", () => {
  for (const [row, length] of [
    [[], 0], [["success", "failed"], 0], [["failed", "timeout", "crashed", "stopped", "failed"], 3], [["missed", "log_overflow"], 2],
  ]) assert.equal(streak(outcomes(...row)), length);
});
