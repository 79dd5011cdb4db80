// Run with `node --test tests/js`.

import assert from "node:assert/strict";
import test from "node:test";

import { calendar, dayState } from "../../static/assets/js/charts/heat.js";
import { apart, countsOf, scaleOf, slots } from "../../static/assets/js/charts/stats.js";

test("runs, failures and what is expected fall into their slot of the day", () => {
  const made = slots({
    from: 100, to: 130, bucket: 10,
    counts: [{ at: 100, count: 3, failed: 1 }, { at: 119, count: 2, failed: 0 }, { at: 90, count: 9, failed: 9 }],
    failures: [{ id: "a", at: 105 }, { id: "b", at: 112 }, { id: "c", at: 500 }],
    upcoming: [{ at: 120, count: 4 }, { at: 129, count: 1 }],
  });
  assert.deepEqual(made.map(({ good, failed, expected }) => [good, failed, expected]), [[2, 1, 0], [2, 1, 0], [0, 0, 5]]);
  assert.deepEqual(made.map(({ failures }) => failures.map(({ id }) => id)), [["a"], ["b"], []]);
});

const times = (outcome, ...list) => list.map((took) => ({ outcome, took }));

test("one run that took forever does not press the others to the ground", () => {
  const few = times("success", 60_000, 61_000, 62_000, 63_000, 64_000, 3_600_000);
  assert.equal(scaleOf(few, null).max, 600_000);
  const many = times("success", ...Array.from({ length: 40 }, (_, index) => 60_000 + index * 100));
  assert.equal(scaleOf([...many, ...times("failed", 7_200_000)], null).max, 300_000);
});

test("the limit is drawn when runs come near it", () => {
  const runs = times("success", 100_000, 110_000, 120_000);
  assert.equal(scaleOf(runs, 150_000).limit, 150_000);
  assert.equal(scaleOf(runs, 3_600_000).limit, null);
  assert.equal(scaleOf(runs, null).limit, null);
});

test("without a good run nothing is usual", () => {
  const scale = scaleOf(times("failed", 2000, NaN), null);
  assert.ok(Number.isNaN(scale.usual));
  assert.equal(scale.max, 2000);
  assert.equal(scaleOf([], null).max, 1);
});

test("outcomes are counted, most first", () => {
  assert.equal(countsOf(["log_overflow", "success", "success"]), "2 ok, 1 log overflow");
  assert.equal(countsOf([]), "");
});

test("of texts that would overlap the first one stays", () => {
  assert.deepEqual(apart([{ y: 10 }, { y: 60 }, { y: 15 }, { y: 21 }]), [{ y: 10 }, { y: 60 }, { y: 21 }]);
});

test("a calendar has whole weeks that begin on Mondays, and ends today", () => {
  const days = calendar("2026-05-14", 2);
  assert.equal(days.length, 11);
  assert.deepEqual(days[0], { date: "2026-05-04", column: 0, row: 0 });
  assert.deepEqual(days.at(-1), { date: "2026-05-14", column: 1, row: 3 });
  assert.equal(calendar("2026-05-17", 1).length, 7);
});

test("a failure that was made good is not the word of the day", () => {
  for (const [day, state] of [
    [undefined, "empty"], [{ count: 3, failed: 0, worst: "stopped" }, "good"],
    [{ count: 3, failed: 2, worst: "timeout" }, "recovered"], [{ count: 1, failed: 1, worst: "missed" }, "missed"],
    [{ count: 3, failed: 3, worst: "crashed" }, "failed"], [{ count: 100, failed: 99, worst: "failed" }, "failed"],
  ]) assert.equal(dayState(day), state);
});
