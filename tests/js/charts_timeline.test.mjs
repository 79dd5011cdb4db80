// Run with `node --test tests/js`.

import assert from "node:assert/strict";
import test from "node:test";

import { spotAt } from "../../static/assets/js/charts/chart.js";
import { trackOf, usualOf } from "../../static/assets/js/charts/track.js";
import { RANGES, canMoveOn, moved, ranged, searchOf, viewOf, windowOf, zoomed } from "../../static/assets/js/charts/window.js";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const NOW = Date.parse("2026-05-14T12:32:07Z");

test("the window goes with the time, a third of the day ahead", () => {
  const { from, to, isLive } = windowOf({ range: "24h", to: null }, NOW);
  assert.deepEqual([new Date(from).toISOString(), new Date(to).toISOString(), isLive],
    ["2026-05-13T20:30:00.000Z", "2026-05-14T20:30:00.000Z", true]);
  for (const range of Object.keys(RANGES)) {
    const window = windowOf({ range, to: null }, NOW);
    assert.ok(window.from < NOW && NOW < window.to, range);
    assert.ok(window.to - window.from <= 31 * DAY);
  }
});

test("an address says the same window again", () => {
  for (const [view, search] of [
    [{ range: "24h", to: null }, ""], [{ range: "7d", to: null }, "?range=7d"],
    [{ range: "1h", to: Date.parse("2026-05-14T10:00:00Z") }, "?range=1h&to=2026-05-14T10:00Z"],
  ]) {
    assert.equal(searchOf(view), search);
    assert.deepEqual(viewOf(search), view);
  }
  assert.deepEqual(viewOf("?range=2y&to=soon"), { range: "24h", to: null });
  assert.deepEqual(viewOf("?to=2026-05-14T10:00:00.500Z").to, Date.parse("2026-05-14T10:00:00.500Z"));
});

test("who moves there and back goes with the time again", () => {
  const live = { range: "24h", to: null };
  const before = moved(live, -1, NOW);
  assert.equal(before.to, Date.parse("2026-05-14T08:30:00Z"));
  assert.deepEqual(moved(before, 1, NOW + 5 * MINUTE), live);
  let on = live;
  for (let step = 0; step < 100; step += 1) on = moved(on, 1, NOW);
  assert.ok(on.to <= NOW + 31 * DAY);
  assert.equal(canMoveOn(on, NOW), false);
  assert.equal(canMoveOn(live, NOW), true);
});

test("an instant keeps its place when one zooms", () => {
  const at = Date.parse("2026-05-10T06:00:00Z");
  const view = { range: "24h", to: Date.parse("2026-05-10T12:00:00Z") };
  const near = zoomed(view, -1, at, NOW);
  assert.deepEqual(near, { range: "6h", to: at + 1.5 * HOUR });
  assert.deepEqual(zoomed(near, 1, at, NOW), view);
  assert.deepEqual(zoomed({ range: "1h", to: null }, -1, NOW, NOW), { range: "1h", to: null });
  assert.deepEqual(ranged({ range: "24h", to: null }, "7d", NOW, NOW).range, "7d");
});

const view = { from: 0, to: 1000 * MINUTE, now: 800 * MINUTE, width: 1000, bold: new Set() };
const run = (start, end, outcome, replica = 0) => ({ id: `${start}`, start: start * MINUTE, end: end === null ? undefined : end * MINUTE, outcome, replica });
const lane = (more) => ({ runs: [], buckets: null, bucket: 0, ticks: [], usual: 0, isService: false, instances: 1, ...more });

test("a bar reaches from start to end, and is never too thin to see", () => {
  const { paths, spots } = trackOf(lane({ runs: [run(100, 200, "success"), run(300, 300, "success"), run(700, null, "running")] }), view);
  assert.equal(paths.get("f-ok"), "M100 10h100v12h-100zM300 10h2.5v12h-2.5z");
  assert.equal(paths.get("f-now"), "M700 10h100v12h-100z");
  assert.equal(spots.length, 3);
});

test("failures that nearly touch are one mark that says how many", () => {
  const runs = [run(100, 101, "failed"), run(110, 111, "timeout"), run(115, 116, "failed"), run(400, 401, "crashed")];
  const { marks, texts, spots } = trackOf(lane({ runs }), view);
  assert.deepEqual(marks.map(({ outcome, x }) => [outcome, Math.round(x)]), [["failed", 118], ["crashed", 403]]);
  assert.deepEqual(texts.map(({ text }) => text), ["×3"]);
  assert.equal(spotAt(spots, 118, 16).count, 3);
});

test("what never started has a mark and no bar", () => {
  const skipped = { id: "s", start: undefined, end: 50 * MINUTE, outcome: "skipped", replica: 0 };
  const { paths, marks } = trackOf(lane({ runs: [skipped] }), view);
  assert.equal(paths.size, 0);
  assert.deepEqual(marks.map(({ outcome, x }) => [outcome, x]), [["skipped", 50]]);
});

test("a service was up until it failed", () => {
  const { paths } = trackOf(lane({ isService: true, isWanted: true, instances: 2, runs: [run(0, 400, "failed"), run(410, null, "running"), run(0, null, "running", 1)] }), view);
  assert.equal(paths.get("f-ok"), "M0 11h394v3h-394z");
  assert.equal(paths.get("f-bad"), "M394 11h6v3h-6z");
  assert.match(paths.get("f-now"), /^M410 11h390.*M0 18h800/);
  assert.match(paths.get("g-dash"), /^M800 /);
  const again = trackOf(lane({ isService: true, runs: [run(0, 400, "failed"), run(404, 405, "failed")] }), view);
  assert.ok(again.texts[0].x > 370, "the count stands beside the failures, not beside the start");
});

test("what is to come is a tick, a hollow bar if it takes long, and bold where tasks meet", () => {
  const ticks = [750, 900, 901, 950].map((at) => at * MINUTE);
  assert.equal(trackOf(lane({ ticks }), view).paths.get("s-future"), "M900.5 11v10M950.5 11v10");
  assert.match(trackOf(lane({ ticks, usual: 20 * MINUTE }), view).paths.get("s-future"), /^M900.5 10.5h20v11h-20z/);
  assert.equal(trackOf(lane({ ticks }), { ...view, bold: new Set([950]) }).paths.get("f-ink"), "M948.5 9h3v14h-3z");
});

test("many runs are counted, and their failures stand on top", () => {
  const buckets = [{ at: 0, count: 10, failed: 0, worst: "success" }, { at: 10 * MINUTE, count: 5, failed: 2, worst: "timeout" }];
  const { paths, marks, spots } = trackOf(lane({ buckets, bucket: 10 * MINUTE }), view);
  assert.equal(paths.get("f-ok"), "M0 11h9v15h-9zM10 17h9v9h-9z");
  assert.deepEqual(marks.map(({ outcome, x }) => [outcome, x]), [["timeout", 15]]);
  assert.equal(spotAt(spots, 4, 16).opens.count, 10);
});

test("the usual duration is that of the good runs", () => {
  assert.equal(usualOf([run(0, 2, "success"), run(0, 4, "success"), run(0, 60, "failed")]), 3 * MINUTE);
  assert.equal(usualOf([]), 0);
});
