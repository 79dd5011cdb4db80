// Run with `node --test tests/js`.

import assert from "node:assert/strict";
import test from "node:test";

import { folded, isQuiet, namesOf, usual } from "../../static/assets/js/fold.js";

const T0 = Date.parse("2026-05-14T15:00:00Z");
const run = (fields = {}) => {
  const { took = 1000, reason = "success", ...rest } = fields;
  return {
    task_name: "a", status: "ended", end_reason: reason, triggered_by: "cron", retry_attempt: 0,
    start_at: new Date(T0).toISOString(), end_at: new Date(T0 + took).toISOString(), ...rest,
  };
};
const usualOf = () => 1000;
/** `3` for a fold of three, the outcome for a run by itself. */
const shape = (items) => items.map(({ run: one, fold }) => (fold ? fold.length : one.end_reason ?? one.status));

test("what is usual is the median of the good runs", () => {
  const good = (...list) => list.map((duration_ms) => ({ end_reason: "success", duration_ms }));
  assert.equal(usual(good(30, 10, 20)), 20);
  assert.equal(usual(good(40, 100, 20, 10)), 30);
  assert.equal(usual(good(0)), 0);
  assert.equal(usual([...good(9), { end_reason: "failed", duration_ms: 1 }, { end_reason: "success" }]), 9);
  assert.ok(Number.isNaN(usual([{ end_reason: "failed", duration_ms: 1 }])));
});

test("nobody need look at a first attempt by schedule that went as always", () => {
  for (const [given, median, quiet] of [
    [run(), 1000, true], [run({ took: 2000 }), 1000, true], [run({ took: 2001 }), 1000, false], [run({ took: 9000 }), NaN, true],
    [run({ retry_attempt: 1 }), 1000, false], [run({ triggered_by: "api" }), 1000, false], [run({ triggered_by: "startup" }), 1000, false],
    [run({ reason: "failed" }), 1000, false], [run({ reason: "skipped" }), 1000, false],
    [run({ status: "running", reason: undefined, end_at: undefined }), 1000, false],
  ]) assert.equal(isQuiet(given, median), quiet, JSON.stringify(given));
});

test("three quiet runs in a row become one line, two do not", () => {
  const quiet = (count) => Array.from({ length: count }, () => run());
  for (const [runs, expected] of [
    [[], []], [quiet(2), ["success", "success"]], [quiet(3), [3]], [quiet(200), [200]],
    [[...quiet(3), run({ reason: "failed" }), ...quiet(2), run({ took: 5000 }), ...quiet(4)], [3, "failed", "success", "success", "success", 4]],
  ]) assert.deepEqual(shape(folded(runs, usualOf)), expected);
});

test("no run is lost, and all keep their order", () => {
  const runs = Array.from({ length: 60 }, (_, index) => run({ id: index, reason: index % 7 && index % 11 ? "success" : "failed" }));
  const after = folded(runs, usualOf).flatMap(({ run: one, fold }) => fold ?? [one]);
  assert.deepEqual(after, runs);
});

test("each run is measured by the usual of its own task", () => {
  const runs = ["a", "b", "a", "b", "a"].map((task_name) => run({ task_name, took: 1500 }));
  assert.deepEqual(shape(folded(runs, (name) => (name === "a" ? 1000 : 10_000))), [5]);
  assert.deepEqual(shape(folded(runs, (name) => (name === "a" ? 1000 : 100))), Array(5).fill("success"));
});

test("no fold goes over a break", () => {
  const runs = [1, 1, 1, 2, 2, 2, 2, 3].map((day) => run({ day }));
  assert.deepEqual(shape(folded(runs, usualOf, (a, b) => a.day !== b.day)), [3, 4, "success"]);
});

test("the names of a fold come most first", () => {
  const names = (...list) => namesOf(list.map((task_name) => ({ task_name })));
  assert.equal(names("b", "a", "c", "a"), "a ×2, b, c");
  assert.equal(names("b"), "b");
});
