// The window of lines of the log viewer, and the places of its rows.

import assert from "node:assert/strict";
import { test } from "node:test";

import { logLines, stack } from "../../static/assets/js/log_lines.js";

const some = (from, to, stream = "stdout") =>
  Array.from({ length: to - from }, (_, at) => ({ n: from + at, ts: 0, stream, text: `line ${from + at}` }));
const numbers = (lines) => lines.rows.map((row) => (row.gap ? `gap ${row.gap}` : row.n));

test("no line is there twice", () => {
  const lines = logLines();
  lines.append(some(5, 8));
  lines.append(some(6, 10));
  assert.deepEqual(numbers(lines), [5, 6, 7, 8, 9]);
  assert.equal(lines.next, 10);
});

test("lines that are lost are an entry", () => {
  const lines = logLines();
  lines.append(some(0, 2));
  lines.append(some(5, 6));
  lines.append(some(8, 9));
  assert.deepEqual(numbers(lines), [0, 1, "gap 3", 5, "gap 2", 8]);
});

test("older lines join only what they reach", () => {
  const lines = logLines();
  lines.append(some(10, 12));
  lines.prepend(some(0, 5));
  assert.deepEqual(numbers(lines), [10, 11]);
  lines.prepend(some(7, 11));
  assert.deepEqual(numbers(lines), [7, 8, 9, 10, 11]);
});

test("a full window drops from the end that is asked for, and takes it back", () => {
  const lines = logLines({ most: 100 });
  lines.append(some(0, 101));
  lines.trim(true);
  assert.equal(lines.first, 3);
  lines.trim(true);
  assert.equal(lines.first, 3);
  lines.prepend(some(0, 3));
  lines.trim(false);
  assert.deepEqual([lines.first, lines.next, lines.rows.length], [0, 98, 98]);
  lines.append(some(97, 100));
  assert.deepEqual([lines.next, lines.rows.length], [100, 100]);
});

test("long lines fill it too, but one stays", () => {
  const lines = logLines({ volume: 100 });
  lines.append(some(0, 3).map((line) => ({ ...line, text: "x".repeat(60) })));
  assert.equal(lines.hasRoom, false);
  lines.trim(true);
  assert.deepEqual(numbers(lines), [2]);
  lines.append([{ n: 3, text: "x".repeat(500) }]);
  lines.trim(true);
  assert.deepEqual(numbers(lines), [3]);
});

test("a filter shows only what passes", () => {
  const lines = logLines({ most: 10 });
  lines.append([...some(0, 4), ...some(4, 6, "stderr")]);
  lines.filter((line) => line.stream === "stderr");
  assert.deepEqual(numbers(lines), [4, 5]);
  lines.append([...some(6, 7), ...some(7, 8, "stderr")]);
  lines.append(some(8, 15));
  assert.deepEqual(numbers(lines), [4, 5, 7]);
  lines.trim(true);
  assert.deepEqual([numbers(lines), lines.indexOf(6)], [[7], 0]);
  lines.filter(null);
  assert.equal(lines.rows.length, 9);
});

test("an empty window takes any line, or the one it waits for", () => {
  const lines = logLines();
  lines.append(some(7, 8));
  lines.clear(20);
  assert.deepEqual([lines.isEmpty, lines.first, lines.next], [true, 20, 20]);
  lines.append(some(19, 21));
  assert.deepEqual(numbers(lines), [20]);
});

test("rows are found by the place they take", () => {
  const heights = [5, 1, 3, 4];
  const places = stack(heights, (height) => height);
  let top = 0;
  heights.forEach((height, row) => {
    assert.equal(places.top(row), top);
    assert.equal(places.at(top), row);
    assert.equal(places.at(top + height - 0.5), row);
    top += height;
  });
  assert.deepEqual([places.total, places.top(4), places.at(99), places.at(-1)], [13, 13, 3, 0]);
  assert.deepEqual([stack([]).total, stack([]).at(5), stack([]).top(1)], [0, 0, 0]);
});
