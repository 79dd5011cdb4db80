// Run with `node --test tests/js`.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import test from "node:test";

import { isFailure, look, outcomeOf, word } from "../../static/assets/js/marks.js";
import { successRate } from "../../static/assets/js/parts/figures.js";

const REASONS = ["success", "failed", "timeout", "log_overflow", "crashed", "stopped", "skipped", "queue_full", "dst_skipped", "missed"];
const LATER = ["start_failed", "unhealthy", "daemon_stopped"];

test("a run is what it is until it ends, and then how it ended", () => {
  assert.equal(outcomeOf({ status: "pending" }), "pending");
  assert.equal(outcomeOf({ status: "running", end_reason: "" }), "running");
  for (const reason of REASONS) assert.equal(outcomeOf({ status: "ended", end_reason: reason }), reason);
});

test("a failure is what somebody must look at", () => {
  const bad = [...REASONS, ...LATER, "running", "pending", "partial", "idle", "new_reason"].filter(isFailure);
  assert.deepEqual(bad, ["failed", "timeout", "log_overflow", "crashed", "missed", "start_failed", "unhealthy"]);
});

test("what looks alike has one look, what is not known looks idle", () => {
  for (const [outcome, name] of [
    ["success", "success"], ["queue_full", "skipped"], ["dst_skipped", "skipped"], ["start_failed", "failed"], ["unhealthy", "failed"],
    ["daemon_stopped", "stopped"], ["partial", "partial"], ["new_reason", "idle"], ["", "idle"], [undefined, "idle"],
  ]) assert.equal(look(outcome), name, String(outcome));
});

test("every look is a shape of the page", () => {
  const page = readFileSync(new URL("../../static/index.html", import.meta.url), "utf8");
  for (const outcome of [...REASONS, ...LATER, "running", "pending", "partial", "idle"]) {
    assert.ok(page.includes(`id="m-${look(outcome)}"`), outcome);
  }
});

test("a name of several words is said with spaces", () => {
  assert.equal(word("log_overflow"), "log overflow");
  assert.equal(word("a_new_reason"), "a new reason");
  assert.equal(word("failed"), "failed");
});

test("the success rate leaves out what was neither good nor bad", () => {
  const ended = (...reasons) => reasons.map((reason) => ({ status: "ended", end_reason: reason }));
  assert.deepEqual(successRate(ended("success", "success", "success", "failed")), { good: 3, bad: 1, share: 0.75 });
  assert.deepEqual(successRate(ended("success", "stopped", "skipped", "queue_full", "dst_skipped")), { good: 1, bad: 0, share: 1 });
  assert.deepEqual(successRate(ended("failed", "timeout", "crashed", "log_overflow", "missed")), { good: 0, bad: 5, share: 0 });
  assert.deepEqual(successRate([{ status: "running" }, { status: "pending" }]), { good: 0, bad: 0, share: null });
  assert.deepEqual(successRate([]), { good: 0, bad: 0, share: null });
});

test("what a job says of its end goes before what the reason says", () => {
  const ended = (end_reason, failure) => outcomeOf({ status: "ended", end_reason, failure });
  for (const [reason, failure, outcome, bad, looks] of [
    ["failed", true, "failed", true, "failed"], ["failed", undefined, "failed", true, "failed"],
    ["failed", false, "failed:ok", false, "idle"], ["missed", false, "missed:ok", false, "idle"],
    ["stopped", false, "stopped", false, "stopped"], ["stopped", true, "stopped:failure", true, "failed"],
    ["success", false, "success", false, "success"],
  ]) {
    const found = ended(reason, failure);
    assert.deepEqual([found, isFailure(found), look(found), word(found)], [outcome, bad, looks, reason]);
  }
  assert.equal(outcomeOf({ end_reason: "failed", failure: false }), "failed:ok");
});
