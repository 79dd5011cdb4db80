// Run with `node --test tests/js`.

import assert from "node:assert/strict";
import test from "node:test";

import { downtimes } from "../../static/assets/js/charts/downtime.js";
import { sparkPath } from "../../static/assets/js/charts/spark.js";
import { tone, worse } from "../../static/assets/js/charts/shapes.js";
import {
  alike, atOnce, collisions, finerStep, median, merged, niceMax, quantile, tickStep, ticks,
} from "../../static/assets/js/charts/stats.js";
import { stripOf } from "../../static/assets/js/charts/strip.js";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

test("a quantile lies between its neighbours", () => {
  assert.equal(quantile([1, 2, 3, 4], 0.5), 2.5);
  assert.equal(quantile([7], 0.95), 7);
  assert.equal(quantile([1, 2, 3, 4, 5], 1), 5);
  assert.ok(Number.isNaN(quantile([], 0.5)));
  assert.equal(median([30, 10, 20]), 20);
});

test("a scale ends at a duration that one can say", () => {
  for (const [ms, end] of [
    [0, 1], [3, 5], [999, 1000], [4001, 5000], [61_000, 2 * MINUTE], [184_000, 5 * MINUTE],
    [25 * HOUR, 2 * DAY], [70 * DAY, 90 * DAY],
  ]) assert.equal(niceMax(ms), end, String(ms));
});

test("labels have room, and lines stand between them", () => {
  assert.equal(tickStep(DAY, 884), 2 * HOUR);
  assert.equal(tickStep(DAY, 358), 6 * HOUR);
  assert.equal(tickStep(HOUR, 884), 5 * MINUTE);
  assert.equal(tickStep(7 * DAY, 884), DAY);
  assert.equal(tickStep(31 * DAY, 884), 7 * DAY);
  for (const minutes of [1, 5, 30, 60, 120, 720, 1440, 10080]) {
    const step = minutes * MINUTE;
    assert.equal(step % finerStep(step), 0);
  }
});

const labels = (from, to, step, zone) =>
  ticks(Date.parse(from), Date.parse(to), step, zone).map(({ label }) => label);

test("the axis counts from midnight of the zone", () => {
  assert.deepEqual(labels("2026-05-13T20:30:00Z", "2026-05-14T04:00:00Z", 2 * HOUR, "Europe/Prague"),
    ["Thu 14", "02:00", "04:00", "06:00"]);
  assert.deepEqual(labels("2026-05-14T00:00:00Z", "2026-05-14T12:30:00Z", 6 * HOUR, "Asia/Kathmandu"),
    ["06:00", "12:00", "18:00"]);
});

test("an hour that the clock leaves out has no label", () => {
  assert.deepEqual(labels("2026-03-29T00:00:00Z", "2026-03-29T04:00:00Z", HOUR, "Europe/Prague"),
    ["01:00", "03:00", "04:00", "05:00", "06:00"]);
});

test("an hour that comes twice has its label once", () => {
  assert.deepEqual(labels("2026-10-25T00:00:00Z", "2026-10-25T03:00:00Z", HOUR, "Europe/Prague"),
    ["02:00", "03:00", "04:00"]);
});

test("days of an axis are as long as the zone has them", () => {
  const days = ticks(Date.parse("2026-03-27T12:00:00Z"), Date.parse("2026-03-31T00:00:00Z"), DAY, "Europe/Prague");
  assert.deepEqual(days.map(({ at }) => new Date(at).toISOString().slice(5, 16)),
    ["03-27T23:00", "03-28T23:00", "03-29T22:00", "03-30T22:00"]);
  const weeks = ticks(Date.parse("2026-05-01T00:00:00Z"), Date.parse("2026-05-31T00:00:00Z"), 7 * DAY, "UTC");
  assert.deepEqual(weeks.map(({ label }) => label), ["4 May", "11 May", "18 May", "25 May"]);
});

test("marks that nearly touch become one", () => {
  assert.deepEqual(merged([0, 5, 16, 40, 52], (x) => x, 12), [[0, 5, 16], [40], [52]]);
  assert.deepEqual(merged([0, 10, 20, 30], (x) => x, 12, 20), [[0, 10], [20, 30]]);
  assert.deepEqual(merged([], (x) => x, 12), []);
});

test("three tasks in one minute collide, three starts of one do not", () => {
  const starts = (at, ...names) => names.map((name) => ({ at, name }));
  const found = collisions([
    ...starts(HOUR, "c", "a"), ...starts(HOUR + 59_999, "b"),
    ...starts(2 * HOUR, "a", "a", "a", "b"),
    ...starts(3 * HOUR, "a", "b"), ...starts(3 * HOUR + MINUTE, "c"),
  ]);
  assert.deepEqual(found, [{ at: HOUR, names: ["a", "b", "c"] }]);
});

test("the same tasks that collide again are told once, the largest crowd first, the nearest time first", () => {
  const found = [
    { at: 1, names: ["a", "b", "c"] }, { at: 2, names: ["a", "b", "c", "d"] }, { at: 3, names: ["a", "b", "c"] },
  ];
  assert.deepEqual(alike(found, 3), [
    { names: ["a", "b", "c", "d"], times: [2] }, { names: ["a", "b", "c"], times: [3, 1] },
  ]);
});

test("runs at once: one that ends when another starts is not beside it", () => {
  const steps = atOnce([{ start: 0, end: 10 }, { start: 10, end: 20 }, { start: 15, end: 30 }, { start: 40, end: 40 }]);
  assert.deepEqual(steps, [
    { at: 0, count: 1 }, { at: 10, count: 1 }, { at: 15, count: 2 }, { at: 20, count: 1 }, { at: 30, count: 0 },
    { at: 40, count: 1 }, { at: 41, count: 0 },
  ]);
  assert.deepEqual(atOnce([]), []);
});

test("the daemon was down between two lives whose ends are known", () => {
  const life = (started, stopped) => ({ started_at: `2026-05-14T${started}:00Z`, ...(stopped && { stopped_at: `2026-05-14T${stopped}:00Z` }) });
  assert.deepEqual(downtimes([life("12:24"), life("09:00", "12:11"), life("08:00"), life("06:00", "07:00")]), [
    { from: Date.parse("2026-05-14T07:00Z"), to: Date.parse("2026-05-14T08:00Z") },
    { from: Date.parse("2026-05-14T12:11Z"), to: Date.parse("2026-05-14T12:24Z") },
  ]);
  assert.deepEqual(downtimes([]), []);
});

test("a strip has one path for each tone, the newest at the right", () => {
  const runs = ["failed", "success", "skipped", "unheard_of"].map((end_reason, id) => ({ id, end_reason }));
  const { bars: { paths }, spots } = stripOf(runs, 1);
  assert.deepEqual([...paths.keys()].sort(), ["f-bad", "f-idle", "f-now", "f-ok"]);
  assert.match(paths.get("f-now"), /^M116 /);
  assert.match(paths.get("f-bad"), /^M112 /);
  assert.match(paths.get("f-idle"), /^M100 .*M104 /);
  assert.deepEqual(spots.map(({ run: { end_reason: reason } }) => reason), ["unheard_of", "skipped", "success", "failed", "running"]);
  assert.equal(stripOf(Array(50).fill(runs[1])).bars.paths.get("f-ok").split("z").length - 1, 30);
});

test("what is not known is calm, and trouble wins", () => {
  assert.equal(tone("unheard_of"), "idle");
  assert.equal(tone("start_failed"), "bad");
  assert.equal(worse("success", "missed"), "missed");
  assert.equal(worse("failed", "skipped"), "failed");
});

test("a sparkline ends at its newest value and has at most a point per pixel", () => {
  const points = sparkPath(Array.from({ length: 1000 }, (_, index) => index), 999, 72, 20);
  assert.ok(points.length <= 69);
  assert.deepEqual(points.at(-1), [69, 2.5]);
  assert.deepEqual(sparkPath([5], 0, 72, 20), [[1, 17.5]]);
});
