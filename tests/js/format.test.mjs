// Run with `node --test tests/js`.

import assert from "node:assert/strict";
import test from "node:test";

import {
  absolute, bytes, clock, count, dayKey, dayMonth, dayName, duration, elapsed, grouped, hourMinute, instantOf, listed, midnight, millis, offsetOf,
  percent, plural, relative, zoneName,
} from "../../static/assets/js/format.js";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const PRAGUE = "Europe/Prague";
const YORK = "America/New_York";

const check = (say, table) => {
  for (const [given, text] of table) assert.equal(say(given), text, String(given));
};
const at = (text) => Date.parse(text);
const iso = (instant) => new Date(instant).toISOString().replace(".000Z", "Z");

test("what is over is told in whole units, cut down", () => check((passed) => relative(5e12 - passed, 5e12), [
  [0, "just now"], [29_999, "just now"], [30_000, "30s ago"], [45_999, "45s ago"], [59_999, "59s ago"],
  [MINUTE, "1m ago"], [59 * MINUTE + 59_999, "59m ago"], [HOUR, "1h ago"], [DAY - 1, "23h ago"],
  [DAY, "yesterday"], [2 * DAY - 1, "yesterday"], [2 * DAY, "2d ago"], [30 * DAY - 1, "29d ago"],
  [30 * DAY, "1mo ago"], [60 * DAY, "2mo ago"], [365 * DAY - 1, "12mo ago"], [365 * DAY, "1y ago"], [800 * DAY, "2y ago"],
]));

test("what is to come never says that it is over, or a full unit of the next", () => check((wait) => relative(5e12 + wait, 5e12), [
  [1, "in 1s"], [1000, "in 1s"], [1001, "in 2s"], [58_001, "in 59s"], [59_000, "in 59s"], [59_001, "in 1m"], [MINUTE, "in 1m"],
  [4 * MINUTE, "in 4m"], [59 * MINUTE + 29_999, "in 59m"], [59 * MINUTE + 30_000, "in 1h"], [HOUR, "in 1h"],
  [4 * HOUR + 12 * MINUTE, "in 4h 12m"], [9 * HOUR + 31 * MINUTE, "in 9h 31m"], [10 * HOUR - 30_000, "in 10h"], [10 * HOUR + 20 * MINUTE, "in 10h"], [13 * HOUR + 20 * MINUTE, "in 13h"],
  [47 * HOUR, "in 47h"], [48 * HOUR, "in 2d"], [9.6 * DAY, "in 10d"],
]));

test("a duration has two units at most, and never 60 of one", () => check(duration, [
  [0, "0.0s"], [300, "0.3s"], [949, "0.9s"], [950, "1s"], [1499, "1s"], [12_000, "12s"], [59_499, "59s"], [59_500, "1m"],
  [MINUTE, "1m"], [3 * MINUTE + 4000, "3m 4s"], [HOUR - 501, "59m 59s"], [HOUR - 500, "1h"], [2 * HOUR + 5 * MINUTE, "2h 5m"],
  [2 * HOUR + 29_999, "2h"], [DAY - 30_000, "1d"], [DAY, "1d"], [27 * HOUR, "1d 3h"], [2 * DAY - 30 * MINUTE, "2d"], [400 * DAY, "400d"],
  [NaN, "–"], [-1, "–"], [undefined, "–"],
]));

test("no duration up to three days says 60 seconds, 60 minutes or 24 hours", () => {
  for (let ms = 0; ms < 3 * DAY; ms += 7919) assert.doesNotMatch(duration(ms), /\b60[sm]|\b24h| 0[mhs]/, String(ms));
});

test("a duration that grows has whole units, cut down", () => check(elapsed, [
  [-5000, "0s"], [0, "0s"], [999, "0s"], [1000, "1s"], [1999, "1s"], [10_000, "10s"], [59_999, "59s"], [60_000, "1m"], [184_900, "3m 4s"],
  [3_599_999, "59m 59s"], [3_659_999, "1h"], [90_059_000, "1d 1h"], [NaN, "0s"],
]));

test("sizes are powers of 1024, and never 1024 of a unit", () => check(bytes, [
  [0, "0 B"], [512, "512 B"], [1023, "1023 B"], [1024, "1 KB"], [31 * 1024, "31 KB"], [2 ** 20 - 1, "1.0 MB"], [2 ** 20, "1.0 MB"],
  [1.25 * 2 ** 20, "1.3 MB"], [2 ** 30 - 1, "1.0 GB"], [1.2 * 2 ** 30, "1.2 GB"], [2 ** 40, "1.0 TB"], [2 ** 50, "1.0 PB"], [2 ** 61, "2048.0 PB"],
]));

test("large counts are short where that is enough, and grouped where it is not", () => {
  check(count, [
    [0, "0"], [999, "999"], [1000, "1k"], [1049, "1k"], [55_600, "55.6k"], [999_949, "999.9k"], [999_950, "1m"], [1_400_000, "1.4m"],
  ]);
  check(grouped, [[0, "0"], [127, "127"], [4127, "4 127"], [31_204, "31 204"], [1_000_000, "1 000 000"]]);
  check((share) => percent(share), [[0, "0%"], [0.004, "0%"], [0.925, "93%"], [1, "100%"]]);
});

test("words agree with their number", () => {
  assert.equal(plural(1, "run"), "1 run");
  assert.equal(plural(0, "run"), "0 runs");
  assert.equal(plural(4127, "retry", "retries"), "4 127 retries");
  check(listed, [[[], ""], [["a"], "a"], [["a", "b"], "a and b"], [["a", "b", "c"], "a, b and c"], [[1, 2], "1 and 2"]]);
});

test("a text that is not there is no time", () => {
  assert.equal(millis("1970-01-01T00:00:01.5Z"), 1500);
  for (const none of [undefined, null, "", "soon"]) assert.ok(Number.isNaN(millis(none)), String(none));
});

test("an instant is told by the clock of its zone", () => {
  for (const [instant, zone, text] of [
    ["2026-05-14T15:11:04Z", PRAGUE, "2026-05-14 17:11:04"],
    ["2026-05-14T15:11:04.999Z", YORK, "2026-05-14 11:11:04"],
    ["2026-05-14T22:00:00Z", PRAGUE, "2026-05-15 00:00:00"],
    ["2026-12-31T23:30:00Z", PRAGUE, "2027-01-01 00:30:00"],
    ["2026-05-14T00:00:00Z", "UTC", "2026-05-14 00:00:00"],
    // Clocks go on.
    ["2026-03-29T00:59:59Z", PRAGUE, "2026-03-29 01:59:59"],
    ["2026-03-29T01:00:00Z", PRAGUE, "2026-03-29 03:00:00"],
    ["2026-03-08T06:59:59Z", YORK, "2026-03-08 01:59:59"],
    ["2026-03-08T07:00:00Z", YORK, "2026-03-08 03:00:00"],
    // Clocks go back: an hour comes twice.
    ["2026-10-25T00:30:00Z", PRAGUE, "2026-10-25 02:30:00"],
    ["2026-10-25T01:30:00Z", PRAGUE, "2026-10-25 02:30:00"],
    ["2026-11-01T05:30:00Z", YORK, "2026-11-01 01:30:00"],
    ["2026-11-01T06:30:00Z", YORK, "2026-11-01 01:30:00"],
  ]) {
    assert.equal(absolute(at(instant), zone), text, `${instant} ${zone}`);
    assert.equal(dayKey(at(instant), zone), text.slice(0, 10));
    assert.equal(clock(at(instant), zone), text.slice(11));
    assert.equal(hourMinute(at(instant), zone), text.slice(11, 16));
  }
});

test("an unknown zone is that of the browser", () => {
  const instant = at("2026-05-14T15:11:04Z");
  assert.equal(absolute(instant, "Mars/Olympus"), absolute(instant, undefined));
});

test("days have short names", () => {
  const instant = at("2026-05-14T22:30:00Z");
  assert.equal(dayName(instant, "UTC"), "Thu 14");
  assert.equal(dayName(instant, PRAGUE), "Fri 15");
  assert.equal(dayName(instant, "UTC", true), "Thu 14 May");
  assert.equal(dayMonth(instant, PRAGUE), "15 May");
  assert.equal(zoneName(instant, "UTC"), "UTC");
  assert.match(zoneName(instant, PRAGUE), /^(CEST|GMT\+2)$/);
});

test("a zone is ahead of UTC by what its clock says", () => {
  for (const [instant, zone, hours] of [
    ["2026-01-01T00:00:00Z", PRAGUE, 1], ["2026-07-01T00:00:00.250Z", PRAGUE, 2], ["2026-01-01T00:00:00Z", YORK, -5],
    ["2026-07-01T00:00:00Z", YORK, -4], ["2026-07-01T00:00:00Z", "Asia/Kathmandu", 5.75], ["1969-12-31T23:59:59.500Z", "UTC", 0],
  ]) assert.equal(offsetOf(at(instant), zone), hours * HOUR, `${instant} ${zone}`);
});

test("midnight is where the day of the zone begins", () => {
  for (const [instant, zone, days, expected] of [
    ["2026-05-14T15:11:04Z", PRAGUE, 0, "2026-05-13T22:00:00Z"],
    ["2026-05-14T22:00:00Z", PRAGUE, 0, "2026-05-14T22:00:00Z"],
    ["2026-05-14T21:59:59Z", PRAGUE, 0, "2026-05-13T22:00:00Z"],
    ["2026-05-14T15:11:04Z", YORK, 0, "2026-05-14T04:00:00Z"],
    ["2026-12-31T12:00:00Z", PRAGUE, 1, "2026-12-31T23:00:00Z"],
    // The days on which the clocks change, and those beside them.
    ["2026-03-29T00:30:00Z", PRAGUE, 0, "2026-03-28T23:00:00Z"],
    ["2026-03-29T12:00:00Z", PRAGUE, 0, "2026-03-28T23:00:00Z"],
    ["2026-03-29T12:00:00Z", PRAGUE, 1, "2026-03-29T22:00:00Z"],
    ["2026-03-28T12:00:00Z", PRAGUE, 2, "2026-03-29T22:00:00Z"],
    ["2026-03-30T12:00:00Z", PRAGUE, -1, "2026-03-28T23:00:00Z"],
    ["2026-10-25T00:30:00Z", PRAGUE, 0, "2026-10-24T22:00:00Z"],
    ["2026-10-25T12:00:00Z", PRAGUE, 0, "2026-10-24T22:00:00Z"],
    ["2026-10-25T12:00:00Z", PRAGUE, 1, "2026-10-25T23:00:00Z"],
    ["2026-10-26T12:00:00Z", PRAGUE, -2, "2026-10-23T22:00:00Z"],
    ["2026-03-08T12:00:00Z", YORK, 0, "2026-03-08T05:00:00Z"],
    ["2026-03-08T12:00:00Z", YORK, 1, "2026-03-09T04:00:00Z"],
    ["2026-11-01T12:00:00Z", YORK, 0, "2026-11-01T04:00:00Z"],
    ["2026-11-01T12:00:00Z", YORK, 1, "2026-11-02T05:00:00Z"],
    ["2026-07-01T12:00:00Z", YORK, -180, "2026-01-02T05:00:00Z"],
    // Midnight itself is left out, or comes twice.
    ["2026-09-05T12:00:00Z", "America/Santiago", 1, "2026-09-06T04:00:00Z"],
    ["2026-09-06T12:00:00Z", "America/Santiago", 0, "2026-09-06T04:00:00Z"],
    ["2026-10-25T12:00:00Z", "Atlantic/Azores", 0, "2026-10-25T00:00:00Z"],
  ]) assert.equal(iso(midnight(at(instant), zone, days)), expected, `${instant} ${zone} ${days}`);
});

test("every day of a year begins with its midnight and not before", () => {
  for (const zone of [PRAGUE, YORK, "UTC", "Asia/Kathmandu", "Pacific/Auckland", "Pacific/Kiritimati", "Africa/Cairo"]) {
    const first = at("2026-01-01T12:00:00Z");
    for (let day = 0; day < 366; day += 1) {
      const begin = midnight(first, zone, day);
      const key = dayKey(begin, zone);
      assert.ok(dayKey(begin - 1, zone) < key, `${zone} ${key}`);
      assert.equal(dayKey(midnight(first, zone, day + 1) - 1, zone), key, zone);
      assert.equal(midnight(begin, zone), begin, `${zone} ${key}`);
    }
  }
});

test("a civil time is an instant of its zone, on both sides of a clock change", () => {
  for (const [text, zone, instant] of [
    ["2026-05-14T17:11", PRAGUE, "2026-05-14T15:11:00Z"], ["2026-05-14T17:11:04", YORK, "2026-05-14T21:11:04Z"],
    ["2026-03-29T01:59", PRAGUE, "2026-03-29T00:59:00Z"], ["2026-03-29T03:00", PRAGUE, "2026-03-29T01:00:00Z"],
    ["2026-10-25T01:30", PRAGUE, "2026-10-24T23:30:00Z"], ["2026-10-25T04:00", PRAGUE, "2026-10-25T03:00:00Z"],
  ]) assert.equal(iso(instantOf(text, zone)), instant, text);
});
