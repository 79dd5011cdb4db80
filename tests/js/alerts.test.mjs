// Run with `node --test tests/js`.

import assert from "node:assert/strict";
import test from "node:test";

import {
  afterWords, byChannels, byNotifier, cells, channelState, countsOf, groupTasks, kindWord, lookOf, mutedUntil, numbers, partsOf, rhythm, untilWords,
} from "../../static/assets/js/alerts.js";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const NANOS = 1e6;
const NOW = Date.parse("2026-05-14T15:00:00Z");
const time = (ms) => new Date(ms).toISOString();
const ago = (...waits) => waits.map((wait) => time(NOW - wait));

const row = (count, ...waits) => ({ count, occurrences: ago(...waits), last_occurred_at: time(NOW - waits[0]), created_at: time(NOW - waits.at(-1)) });

test("how often something happened is said in one phrase", () => {
  for (const [given, words] of [
    [row(1, 3 * MINUTE), "3m ago"],
    [{ ...row(1, 3 * MINUTE), occurrences: null }, "3m ago"],
    [row(12, 45_000, 30 * MINUTE), "12× in the last hour, latest 45s ago"],
    [row(3, MINUTE, HOUR), "3× in the last hour, latest 1m ago"],
    [row(3, MINUTE, HOUR + 1), "3× over 1h, latest 1m ago"],
    [row(2, MINUTE, 30 * HOUR), "2× over 1d, latest 1m ago"],
    [row(1024, MINUTE, 28 * DAY), "1 024× since 28d ago, latest 1m ago"],
    [row(2, MINUTE, 7 * DAY), "2× since 7d ago, latest 1m ago"],
    // Times that are no longer kept do not count for the hour.
    [{ ...row(20, MINUTE, 2 * MINUTE), created_at: time(NOW - 3 * DAY) }, "20× in the last hour, latest 1m ago"],
  ]) assert.equal(rhythm(given, NOW), words);
});

test("occurrences are counted in eight parts of an hour, or of the time since the oldest", () => {
  assert.deepEqual(cells(row(3, 1000, 2000, 59 * MINUTE), NOW), [1, 0, 0, 0, 0, 0, 0, 2]);
  assert.deepEqual(cells(row(2, MINUTE, 8 * HOUR), NOW), [1, 0, 0, 0, 0, 0, 0, 1]);
  assert.deepEqual(cells({ ...row(2, MINUTE), occurrences: null }, NOW), [0, 0, 0, 0, 0, 0, 0, 0]);
  // A clock that was set back.
  assert.deepEqual(cells(row(1, -MINUTE), NOW), [0, 0, 0, 0, 0, 0, 0, 1]);
});

test("an alert has the mark of its outcome, else of its severity", () => {
  for (const [kind, severity, look] of [
    ["run.failed", "error", "failed"], ["run.timeout", "error", "timeout"], ["run.crashed", "error", "crashed"],
    ["run.missed", "error", "missed"], ["run.recovered", "info", "success"], ["run.late", "warn", "missed"],
    ["notify.delivery_failed", "warn", "missed"], ["run.unheard_of", "error", "failed"], ["run.unheard_of", "fatal", "idle"],
  ]) assert.equal(lookOf({ kind, severity }), look, kind);
});

test("a body is a sentence and the end of the output", () => {
  assert.deepEqual(partsOf("Exit code 1 after 3m\none \n\n  two"), { sentence: "Exit code 1 after 3m", tail: ["one", "  two"] });
  assert.deepEqual(partsOf(""), { sentence: "", tail: [] });
  assert.deepEqual(partsOf(undefined), { sentence: "", tail: [] });
});

test("a mute is over when its time has come", () => {
  assert.equal(mutedUntil({}, NOW), null);
  assert.equal(mutedUntil({ muted_until: time(NOW) }, NOW), null);
  assert.equal(mutedUntil({ muted_until: time(NOW - DAY) }, NOW), null);
  assert.equal(mutedUntil({ muted_until: time(NOW + 1) }, NOW), NOW + 1);
});

test("until when is said as people say it", () => {
  const zone = "Europe/Prague";
  for (const [until, now, words] of [
    ["2026-05-14T16:00:00Z", "2026-05-14T15:00:00Z", "until 18:00"],
    ["2026-05-15T06:00:00Z", "2026-05-14T15:00:00Z", "until tomorrow 08:00"],
    // Past midnight there it is the same day.
    ["2026-05-15T06:00:00Z", "2026-05-14T22:30:00Z", "until 08:00"],
    ["2026-05-16T06:00:00Z", "2026-05-14T15:00:00Z", "until Sat 16 May 08:00"],
    // A day of 25 hours, and the end of a month.
    ["2026-10-26T07:00:00Z", "2026-10-24T23:00:00Z", "until tomorrow 08:00"],
    ["2026-06-01T06:00:00Z", "2026-05-31T15:00:00Z", "until tomorrow 08:00"],
  ]) assert.equal(untilWords(Date.parse(until), Date.parse(now), zone), words);
});

test("how many failures make an alert", () => {
  for (const [after, words] of [
    [{ failures: 1 }, "at once"],
    [{ failures: 3 }, "after 3 failures in a row"],
    [{ failures: 3, within: 24 * HOUR * NANOS }, "after 3 in 24h"],
    [{ failures: 5, within: 90 * MINUTE * NANOS }, "after 5 in 1h 30m"],
    [{ failures: 5, within: 7 * DAY * NANOS }, "after 5 in 7d"],
  ]) assert.equal(afterWords(after), words);
});

test("kinds that go to the same channels stand together", () => {
  const alerts = { "log.disk_pressure": ["ops", "inapp"], "run.crashed": ["inapp", "ops"], "run.failed": ["inapp", "ops"], "run.succeeded": ["mail"], "x.new": ["mail"] };
  assert.deepEqual(byChannels(alerts), [
    [["run.failed", "run.crashed", "log.disk_pressure"], ["inapp", "ops"]],
    [["run.succeeded", "x.new"], ["mail"]],
  ]);
  assert.deepEqual(byChannels({}), []);
  assert.deepEqual(["run.too_long", "log.disk_pressure", "odd"].map(kindWord), ["too long", "disk pressure", "odd"]);
});

test("tasks with the same answers are one group, whatever is muted", () => {
  const task = (name, fields) => ({ name, alerts: { "run.failed": ["inapp"], "run.late": ["inapp"] }, alert_after: { failures: 1 }, heartbeat: false, ...fields });
  const groups = groupTasks([
    task("a"),
    task("b", { alerts: {} }),
    task("c", { alerts: { "run.late": ["inapp"], "run.failed": ["inapp"] }, muted_until: time(NOW + 1) }),
    task("d", { alert_after: { failures: 3 } }),
    task("e", { alert_after: { failures: 3, within: 1 } }),
    task("f", { heartbeat: true }),
    task("__proto__"),
  ]);
  assert.deepEqual(groups.map(({ tasks }) => tasks.map(({ name }) => name)), [["a", "c", "__proto__"], ["b"], ["d"], ["e"], ["f"]]);
  assert.deepEqual(groups[1].alerts, []);
  assert.equal(new Set(groups.map(({ key }) => key)).size, 5);
});

test("each notifier has its channels, and none is lost", () => {
  const notifiers = [{ id: "ops" }, { id: "mail" }];
  const channels = ["mail:a:b", "old", "ops", "ops:#x"].map((channel) => ({ channel }));
  assert.deepEqual(byNotifier({ notifiers, channels }).map(({ name, notifier }) => [name, notifier?.id]),
    [["ops", "ops"], ["ops:#x", "ops"], ["mail:a:b", "mail"], ["old", undefined]]);
  assert.deepEqual(byNotifier({ notifiers, channels: [] }).map(({ name, channel }) => [name, channel]), [["ops", null], ["mail", null]]);
});

test("a channel stands as its newest end, unless something is tried again", () => {
  const channel = (fields) => ({ channel: "ops", pending: 0, delivered: 0, failed: 0, attempts: 0, ...fields });
  const [older, newer] = ago(2000, 1000);
  const sent = { last_delivered_at: older, last_answer: "200 ok" };
  for (const [given, outcome, text, said] of [
    [null, "idle", "nothing goes there"],
    [channel(), "idle", "nothing sent yet"],
    [channel({ pending: 2 }), "pending", "waiting"],
    [channel(sent), "success", "delivered", "200 ok"],
    [channel({ ...sent, last_failed_at: newer, last_error: "no" }), "failed", "given up", "no"],
    [channel({ last_delivered_at: newer, last_failed_at: older, last_error: "no" }), "success", "delivered", undefined],
    [channel({ last_delivered_at: newer, tried_at: older, retry_error: "503", attempts: 1, pending: 1 }), "missed", "failed 1 time so far", "503"],
  ]) {
    const state = channelState(given);
    assert.deepEqual([state.outcome, state.text, state.said], [outcome, text, said]);
  }
});

test("of a channel only what there was is counted", () => {
  assert.equal(countsOf(null), "");
  assert.equal(countsOf({ pending: 0, delivered: 0, failed: 0 }), "");
  assert.equal(countsOf({ pending: 2, delivered: 55_600, failed: 1 }), "2 waiting, 55.6k delivered, 1 given up");
});

test("the numbers are told in sentences", () => {
  const settings = {
    coalesce_window: HOUR * NANOS, coalesce_outbound: true, occurrence_ring: 10, retry_budget: 5 * MINUTE * NANOS, queue_size: 1024,
    history_keep: 1024, history_keep_for: 90 * DAY * NANOS,
  };
  const told = (fields) => Object.fromEntries(numbers({ ...settings, ...fields }));
  assert.deepEqual(told(), {
    Repeats: "The same alert of the same task within 1h is one entry in the dashboard and one message; then one after every 10 more, and one at the end.",
    Retries: "A message that fails is sent again for 5m. Then it is given up, which is an alert of its own.",
    Queue: "At most 1 024 messages wait for one channel.",
    History: "The dashboard keeps 1 024 notifications, none older than 90d.",
    Links: "Messages have no links: external_url is not set.",
  });
  assert.equal(told({ coalesce_window: 0 }).Repeats, "Each alert is told by itself.");
  assert.match(told({ coalesce_outbound: false }).Repeats, /and a message each time\.$/);
  assert.equal(told({ external_url: "https://jobs.example.org" }).Links, "Messages link to https://jobs.example.org");
});
