// Run with `node --test tests/js`. What the API takes: docs/api.md.

import assert from "node:assert/strict";
import test from "node:test";

import { asQuery, BUCKETS, chips, exitRange, readFilter, REASONS, TRIGGERS, wants, writeFilter } from "../../static/assets/js/filters.js";

const PRAGUE = "Europe/Prague";
const run = (fields) => ({
  id: "01JV7Q3K2M5N", task_name: "backup", status: "ended", end_reason: "failed", exit_code: 1, triggered_by: "cron", retry_attempt: 0,
  created_at: "2026-05-14T12:00:00Z", ...fields,
});

test("an exit code is a number or a range with both ends in it", () => {
  for (const [text, range] of [
    ["137", { min: 137, max: 137 }], [" -1 ", { min: -1, max: -1 }], ["0", { min: 0, max: 0 }], [">100", { min: 101 }], [">=100", { min: 100 }],
    ["<150", { max: 149 }], ["<=150", { max: 150 }], [">100 <150", { min: 101, max: 149 }], ["<150  >100", { min: 101, max: 149 }],
    [">100 <102", { min: 101, max: 101 }], [">100 <101", null], [">150 <100", null], [">-3", { min: -2 }],
    ["", null], [" ", null], [">", null], [">100 <", null], ["abc", null], ["1.5", null], ["100-150", null], ["> 100", null], ["1234567890", null], ["==1", null],
  ]) assert.deepEqual(exitRange(text), range, text);
});

test("an address says the same filter again", () => {
  for (const filter of [
    {}, { status: "failed" }, { status: "timeout,stopped" }, { task: "a&b=c #1" }, { by: "api" }, { from: "2026-05-01", to: "2026-05-14" },
    { exit: ">100 <150" }, { retries: "1" }, { q: "ř 100%" }, { status: "running", task: "a", by: "cron", from: "2026-05-01", exit: "1", retries: "1", q: "x" },
  ]) assert.deepEqual(readFilter(writeFilter(filter)), filter);
  assert.equal(writeFilter({}), "");
  assert.equal(writeFilter({ status: "failed", q: "" }), "?status=failed");
});

test("what makes no sense in an address is left out", () => {
  for (const [search, filter] of [
    ["?status=nonsense", {}], ["?status=failed,nonsense,missed", { status: "failed,missed" }], ["?status=constructor", {}], ["?by=magic", {}],
    ["?from=yesterday&to=2026-05-14", { to: "2026-05-14" }], ["?from=2026-13-01", {}], ["?from=2026-05-99&to=0", {}], ["?exit=x", {}],
    ["?exit=%3E5%20%3C2", {}], ["?retries=yes", { retries: "1" }], ["?retries=", {}], ["?page=2&task=", {}],
  ]) assert.deepEqual(readFilter(search), filter, search);
});

test("every outcome is in one group", () => {
  assert.equal(new Set(REASONS).size, REASONS.length);
  assert.deepEqual(BUCKETS.failed, ["failed", "timeout", "crashed", "log_overflow", "missed", "start_failed", "unhealthy"]);
  assert.deepEqual([...REASONS].sort(), [
    "crashed", "dst_skipped", "failed", "log_overflow", "missed", "pending", "queue_full", "running", "skipped", "start_failed", "stopped", "success", "timeout", "unhealthy",
  ]);
  for (const trigger of TRIGGERS) assert.equal(readFilter(`?by=${trigger}`).by, trigger);
});

test("the API is asked in its own words", () => {
  assert.deepEqual(asQuery({}, PRAGUE), {});
  assert.deepEqual(asQuery({ status: "skipped,timeout", task: "a", by: "api", exit: ">100 <150", retries: "1", q: "x" }, PRAGUE), {
    status: "skipped,queue_full,dst_skipped,timeout", task_name: "a", triggered_by: "api", exit_code_min: 101, exit_code_max: 149, retries_only: true, search: "x",
  });
  assert.deepEqual(asQuery({ exit: "0" }, PRAGUE), { exit_code_min: 0, exit_code_max: 0 });
});

test("days are whole days of the zone, the last one with them", () => {
  for (const [day, zone, after, before] of [
    ["2026-05-14", PRAGUE, "2026-05-13T22:00:00.000Z", "2026-05-14T21:59:59.999Z"],
    ["2026-05-14", "UTC", "2026-05-14T00:00:00.000Z", "2026-05-14T23:59:59.999Z"],
    ["2026-03-29", PRAGUE, "2026-03-28T23:00:00.000Z", "2026-03-29T21:59:59.999Z"],
    ["2026-10-25", PRAGUE, "2026-10-24T22:00:00.000Z", "2026-10-25T22:59:59.999Z"],
    ["2026-03-08", "America/New_York", "2026-03-08T05:00:00.000Z", "2026-03-09T03:59:59.999Z"],
    ["2026-11-01", "America/New_York", "2026-11-01T04:00:00.000Z", "2026-11-02T04:59:59.999Z"],
    ["2026-01-10", "Pacific/Auckland", "2026-01-09T11:00:00.000Z", "2026-01-10T10:59:59.999Z"],
    ["2026-01-10", "Pacific/Kiritimati", "2026-01-09T10:00:00.000Z", "2026-01-10T09:59:59.999Z"],
    ["2026-01-10", "Etc/GMT+12", "2026-01-10T12:00:00.000Z", "2026-01-11T11:59:59.999Z"],
  ]) {
    assert.deepEqual(asQuery({ from: day, to: day }, zone), { created_after: after, created_before: before }, `${day} ${zone}`);
    for (const [created_at, isWanted] of [
      [after, true], [before, true], [new Date(Date.parse(after) - 1).toISOString(), false], [new Date(Date.parse(before) + 1).toISOString(), false],
    ]) assert.equal(wants({ from: day, to: day }, run({ created_at }), zone), isWanted, `${created_at} ${zone}`);
  }
  assert.deepEqual(asQuery({ to: "2026-05-14" }, "UTC"), { created_before: "2026-05-14T23:59:59.999Z" });
});

test("days without a zone are those of the browser", () => {
  const before = process.env.TZ;
  process.env.TZ = "Pacific/Auckland";
  try {
    assert.equal(asQuery({ from: "2026-01-10" }, undefined).created_after, new Date(2026, 0, 10).toISOString());
  } finally {
    if (before === undefined) delete process.env.TZ;
    else process.env.TZ = before;
  }
});

test("a run is wanted when every part of the filter wants it", () => {
  for (const [filter, given, isWanted] of [
    [{}, run(), true],
    [{ status: "failed" }, run({ end_reason: "missed" }), true],
    [{ status: "failed" }, run({ status: "running", end_reason: undefined }), false],
    [{ status: "running" }, run({ status: "pending", end_reason: undefined }), true],
    [{ status: "timeout,stopped" }, run({ end_reason: "stopped" }), true],
    [{ status: "timeout,stopped" }, run(), false],
    [{ task: "backup" }, run(), true],
    [{ task: "back" }, run(), false],
    [{ by: "api" }, run(), false],
    [{ exit: "1" }, run(), true],
    [{ exit: ">1" }, run(), false],
    [{ exit: "<1" }, run(), false],
    // Before it has ended a run has no exit code, though the API says 0.
    [{ exit: "0" }, run({ status: "running", end_reason: undefined, exit_code: 0 }), false],
    [{ exit: "<150" }, run({ status: "pending", end_reason: undefined, exit_code: undefined }), false],
    [{ retries: "1" }, run(), false],
    [{ retries: "1" }, run({ retry_attempt: 1 }), true],
    [{ retries: "1" }, run({ retry_attempt: undefined }), false],
    [{ q: "ACK" }, run(), true],
    [{ q: "7q3k" }, run(), true],
    [{ q: "other" }, run(), false],
    [{ status: "failed", task: "backup", by: "cron", exit: ">0", q: "b" }, run(), true],
    [{ status: "failed", task: "backup", by: "api", exit: ">0", q: "b" }, run(), false],
  ]) assert.equal(wants(filter, given, PRAGUE), isWanted, JSON.stringify([filter, given]));
});

test("each part of a filter is a chip", () => {
  assert.deepEqual(chips({}), []);
  const filter = { status: "failed,log_overflow", task: "a", by: "cron", from: "2026-05-14", to: "2026-05-15", exit: ">100", retries: "1", q: "x" };
  assert.deepEqual(chips(filter).map(({ key, value }) => `${key} ${value}`), [
    "status failed, log overflow", "task a", "by cron", "from Thu 14 May", "to Fri 15 May", "exit >100", "only retries", "search x",
  ]);
  assert.deepEqual(chips(filter).map(({ field }) => field), ["status", "task", "by", "from", "to", "exit", "retries", "q"]);
  assert.deepEqual(chips({ status: "failed", q: "x" }, { withStatus: false }), [{ field: "q", key: "search", value: "x" }]);
});
