// Run with `node --test tests/js`.

import assert from "node:assert/strict";
import test from "node:test";

import { flaws, rows, totals } from "../../static/assets/js/difference.js";

const NONE = { added: [], changed: [], removed: [], notes: [] };
const SOME = { ...NONE, added: ["a"], removed: ["b", "c"], changed: [{ name: "d", reasons: ["schedule", "run"] }] };

test("what a reload did is counted, what it did not is not", () => {
  assert.equal(totals(SOME), "+1 added, −2 removed, ~1 changed");
  assert.equal(totals({ ...NONE, removed: ["b"] }), "−1 removed");
  assert.equal(totals(NONE), "");
});

test("each task that differs has a row with what differs", () => {
  assert.deepEqual(rows(SOME).map(({ sign, name, about }) => [sign, name, about]), [["+", "a", ""], ["−", "b", ""], ["−", "c", ""], ["~", "d", "schedule, run"]]);
  assert.deepEqual(rows(NONE), []);
});

test("each error is a line, and an answer without a list is one", () => {
  assert.deepEqual(flaws({ errors: [{ message: "a:1:1: x" }, { message: "a:2:1: y" }], message: "a:1:1: x" }), ["a:1:1: x", "a:2:1: y"]);
  assert.deepEqual(flaws({ errors: [], message: "refused" }), ["refused"]);
});
