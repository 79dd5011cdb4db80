// Run with `node --test tests/js`.

import assert from "node:assert/strict";
import test from "node:test";

import {
  countOf, endWords, instanceOf, lastOf, markOf, matches, missing, nextWord, ORDERS, placeOf, policyOf, resultOf, STATES, stateOf, timeOf, tookOf, triggerOf, usedWords,
} from "../../static/assets/js/task_state.js";

const SECOND = 1e9;
const NOW = Date.parse("2026-05-14T15:00:00Z");
const time = (ms) => new Date(ms).toISOString();

const task = (fields) => ({ name: "backup", kind: "task", api_trigger: true, ...fields });
const service = (fields) => ({ name: "web", kind: "service", api_trigger: true, instances: 3, restart: "always", ...fields });
const live = (...list) => list.map((status, index) => ({ id: `${index}`, status, created_at: time(NOW - 2000), start_at: time(NOW - 1000) }));
const ended = (reason, fields) => ({
  status: "ended", end_reason: reason, created_at: time(NOW - 14_000), start_at: time(NOW - 13_000), end_at: time(NOW - 1000), exit_code: 0, ...fields,
});
const entry = (one, runs = [], latest = null) => ({ task: one, live: live(...runs), latest });
const three = ["running", "running", "running"];
const next = { cron: "15 4 * * *", next_run_at: time(NOW + 60_000) };

test("how a task stands is the first that holds", () => {
  for (const [given, state] of [
    [entry(service(), ["running", "running"]), "attention"],
    [entry(service(), ["running", "running", "pending"]), "attention"],
    [entry(service(), three), "running"],
    [entry(service(), three, ended("failed")), "running"],
    [entry(service({ stopped: true })), "idle"],
    [entry(service({ stopped: true }), [], ended("failed")), "idle"],
    [entry(service({ stopped: true }), ["running"]), "running"],
    [entry(task(next), ["running"], ended("failed")), "running"],
    [entry(task(next), ["pending"], ended("failed")), "running"],
    ...["failed", "timeout", "crashed", "log_overflow", "missed", "start_failed", "unhealthy"].map((reason) => [entry(task(next), [], ended(reason)), "attention"]),
    ...["success", "stopped", "skipped", "queue_full", "dst_skipped"].map((reason) => [entry(task(next), [], ended(reason)), "scheduled"]),
    [entry(task(next)), "scheduled"],
    [entry(task()), "manual"],
    [entry(task(), [], ended("success")), "manual"],
    [entry(task({ api_trigger: false })), "idle"],
    [entry(task({ cron: "@daily", paused: true })), "idle"],
  ]) {
    assert.equal(stateOf(given), state, JSON.stringify(given));
    assert.ok(STATES.includes(state));
  }
});

test("only services that should be up can have instances missing", () => {
  for (const [given, down, count] of [
    [entry(service(), three), 0, "×3"], [entry(service(), ["running", "pending"]), 2, "1/3"], [entry(service()), 3, "0/3"],
    [entry(service({ stopped: true })), 0, "×3"], [entry(service({ instances: 1 }), ["running"]), 0, ""],
    [entry(service({ instances: 1 }), three), 0, ""], [entry(task()), 0, ""],
    [entry(service({ instances: 2 }), ["running", "running"]), 0, "×2"],
  ]) {
    assert.equal(missing(given), down);
    assert.equal(countOf(given), count);
  }
});

test("the mark is that of what runs, else of what ended last", () => {
  for (const [given, mark] of [
    [entry(service(), ["running"]), "partial"], [entry(service(), ["running"], ended("failed")), "partial"],
    [entry(service(), [], ended("crashed")), "crashed"], [entry(service(), [], ended("stopped")), "partial"], [entry(service()), "partial"],
    [entry(service(), three), "running"], [entry(service({ stopped: true }), [], ended("failed")), "stopped"],
    [entry(task(), ["pending", "running"]), "running"], [entry(task(), ["pending"], ended("failed")), "pending"],
    [entry(task(), [], ended("timeout")), "timeout"], [entry(task()), "idle"],
  ]) assert.equal(markOf(given), mark);
});

test("the result is short: a good one says how long, a bad one what", () => {
  for (const [given, outcome, text] of [
    [entry(service(), ["running", "running"]), "partial", "2/3 up"],
    [entry(service(), [], ended("failed", { exit_code: 1 })), "failed", "failed, exit 1"],
    [entry(service(), ["pending"]), "pending", "Starting"],
    [entry(service({ stopped: true }), [], ended("failed")), "stopped", "stopped"],
    [entry(task(), ["running"], ended("failed")), "running", "running"],
    [entry(task(), ["pending"]), "pending", "waiting"],
    [entry(task(), [], ended("success")), "success", "12s"],
    [entry(task(), [], ended("log_overflow")), "log_overflow", "log overflow"],
    [entry(task()), "idle", "No runs yet"],
  ]) assert.deepEqual(resultOf(given, NOW), { outcome, text });
});

test("only a failure tells its exit code, and only one that a program gave", () => {
  for (const [run, words] of [
    [ended("failed", { exit_code: 137 }), "failed, exit 137"], [ended("failed", { exit_code: -1 }), "failed"], [ended("timeout", { exit_code: 143 }), "timeout"],
    [ended("success"), "success"], [ended("crashed", { exit_code: -2 }), "crashed"], [{ status: "running" }, "running"],
  ]) assert.equal(endWords(run), words);
});

test("a run happened when it started, or was made if it never did", () => {
  const skipped = { created_at: time(NOW), end_at: time(NOW) };
  assert.equal(timeOf(skipped), NOW);
  assert.ok(Number.isNaN(tookOf(skipped, NOW)));
  const [running] = live("running");
  assert.equal(timeOf(running), NOW - 1000);
  assert.equal(tookOf(running, NOW + 500), 1500);
  assert.equal(tookOf(ended("success"), NOW + 500), 12_000);
});

test("the last run is the newest that lives, else the newest that ended", () => {
  const runs = [1, 3, 2].map((at) => ({ id: `${at}`, status: "running", start_at: time(NOW + at) }));
  assert.equal(lastOf({ live: runs, latest: ended("success") }).id, "3");
  assert.equal(lastOf({ live: [], latest: { id: "old" } }).id, "old");
  assert.equal(lastOf({ live: [], latest: null }), null);
  assert.equal(lastOf({ live: [{ id: "bad", start_at: "?" }, runs[0]], latest: null }).id, "1");
});

test("what starts a task has a label, and so has what comes next", () => {
  for (const [one, trigger, word] of [
    [service({ instances: 1 }), "Service", "Always on"], [service({ instances: 2 }), "Service ×2", "Always on"], [service({ stopped: true }), "Service ×3", "Stopped"],
    [task(next), "15 4 * * *", null], [task({ ...next, paused: true }), "15 4 * * *", "Paused"], [task({ cron: "@daily" }), "@daily", "Not scheduled"],
    [task(), "Manual trigger", "Manual only"], [task({ api_trigger: false }), "Not triggered", "Manual only"],
  ]) {
    assert.equal(triggerOf(one), trigger);
    assert.equal(nextWord(one), word);
  }
});

const row = (name, state, last, upcoming) => ({
  task: task({ name, next_run_at: upcoming && time(NOW + upcoming) }), state, live: [],
  latest: last === undefined ? null : { start_at: last === null ? "?" : time(NOW - last) },
});

test("rows are in the order that was asked for, ties by activity and then by name", () => {
  const rows = [
    row("f", "idle"), row("a", "idle"), row("e", "idle", null), row("g", "manual", 50), row("d", "scheduled", 40, 2000), row("c", "scheduled", 10, 3000),
    row("b", "scheduled", 5, 2000), row("h", "running", 70), row("i", "attention", 90), row("j", "attention", 80), row("k", "attention", 80),
  ];
  for (const [order, names] of [
    ["Attention first", "jkihbcdgaef"], ["Name", "abcdefghijk"], ["Last activity", "bcdghjkiaef"], ["Next run", "bdcghjkiaef"],
  ]) {
    for (const given of [rows, [...rows].reverse()]) {
      assert.equal([...given].sort(ORDERS[order]).map((one) => one.task.name).join(""), names, order);
    }
  }
});

test("a search finds part of a name or a description, in any case", () => {
  const one = task({ name: "Backup-offsite", description: "Copy to the vault in Brno" });
  for (const [text, isFound] of [["", true], ["  ", true], ["OFF", true], [" vault ", true], ["brno", true], ["daily", false], ["p-o", true]]) {
    assert.equal(matches(one, text), isFound, text);
  }
  assert.equal(matches(task(), "vault"), false);
});

test("the settings are one line of words", () => {
  for (const [one, words] of [
    [task({ cron: "15 4 * * *", retry_attempts: 2, on_overlap: "skip" }), "daily at 04:15, 2 retries, skip when still running"],
    [task({ cron: "*/7 * * * *", retry_attempts: 1, timeout: 300 * SECOND, on_overlap: "queue" }), "*/7 * * * *, one retry, timeout 5m, queue when still running"],
    [task({ on_overlap: "terminate" }), "replaces a run that is still going"],
    [task(), ""],
    [service({ restart_delay: 5 * SECOND, restart_backoff: "exponential" }), "always on, exponential back-off from 5s"],
    [service({ restart: "on_failure", restart_delay: SECOND }), "restart on failure, constant back-off from 1s"],
  ]) assert.equal(policyOf(one), words);
});

const replicas = (...states) => states.map((state, index) => ({ index, state, failed_starts: state === "fatal" ? 4 : 0 }));

test("a service that has given up needs attention, one that has done its work does not", () => {
  const gone = entry(service({ fatal: true, replicas: replicas("fatal", "fatal", "fatal") }), [], ended("start_failed"));
  assert.deepEqual([stateOf(gone), markOf(gone), nextWord(gone.task)], ["attention", "fatal", "Gave up"]);
  assert.deepEqual(resultOf(gone, NOW), { outcome: "fatal", text: "fatal" });
  const partly = entry(service({ fatal: true, replicas: replicas("healthy", "healthy", "fatal") }), ["running", "running"]);
  assert.deepEqual([stateOf(partly), markOf(partly), countOf(partly)], ["attention", "fatal", "2/3"]);
  assert.deepEqual(resultOf(partly, NOW), { outcome: "fatal", text: "2/3 up" });
  const over = entry(service({ replicas: replicas("finished", "finished", "finished") }), [], ended("success"));
  assert.deepEqual([missing(over), stateOf(over), markOf(over)], [0, "idle", "success"]);
});

test("a service says that it starts, or waits for another one", () => {
  const starting = entry(service({ replicas: replicas("healthy", "starting", "healthy") }), three);
  assert.deepEqual(resultOf(starting, NOW), { outcome: "running", text: "starting" });
  const waiting = entry(service({ replicas: replicas("waiting", "waiting", "waiting") }), [], ended("stopped"));
  assert.deepEqual([stateOf(waiting), resultOf(waiting, NOW)], ["attention", { outcome: "pending", text: "waiting" }]);
});

test("a schedule that cron keeps says so in the place of the next run", () => {
  assert.equal(nextWord(task({ ...next, held_by: "cron" })), "Held");
});

test("an instance stands as the daemon said, unless an event knows better", () => {
  const run = { id: "a", status: "running" };
  const last = ended("failed", { exit_code: 1 });
  for (const [replica, current, text, outcome] of [
    [{ state: "healthy", run_id: "a" }, run, "healthy", "running"], [{ state: "starting", run_id: "a" }, run, "starting", "pending"],
    [{ state: "backoff" }, undefined, "backoff", "missed"], [{ state: "fatal" }, undefined, "fatal", "fatal"],
    [{ state: "healthy", run_id: "b" }, run, "starting", "pending"], [{ state: "healthy", run_id: "b" }, undefined, "failed, exit 1", "failed"],
    [{ state: "stopped" }, { id: "c", status: "pending" }, "pending", "pending"], [undefined, run, "starting", "pending"],
    [{ state: "of the future" }, undefined, "of the future", "idle"],
  ]) assert.deepEqual(instanceOf(replica, current, last), { outcome, text });
  assert.deepEqual(instanceOf(undefined, undefined, undefined), { outcome: "idle", text: "not started" });
});

test("what a run has used is said where it is known", () => {
  for (const [run, text] of [
    [{}, ""], [{ cpu_ms: 0 }, "cpu 0.0s"], [{ cpu_ms: 72_000, peak_memory_bytes: 31 << 20 }, "cpu 1m 12s, peak memory 31.0 MB"],
    [{ peak_memory_bytes: 2048 }, "peak memory 2 KB"],
  ]) assert.equal(usedWords(run), text);
});

test("a run has its place among others, newest first", () => {
  const run = (id, at) => ({ id, created_at: time(NOW + at) });
  const runs = [run("d", 3), run("c", 1), run("b", 1)];
  for (const [given, place] of [[run("e", 5), 0], [run("e", 2), 1], [run("bb", 1), 2], [run("a", 1), -1], [run("a", 0), -1]]) {
    assert.equal(placeOf(given, runs), place, given.id);
  }
});
