// The window of lines of the log viewer, and the heights of its rows.

import assert from "node:assert/strict";
import { test } from "node:test";

import { heights, logLines } from "../../static/assets/js/log_lines.js";

const some = (from, to, stream = "stdout") =>
  Array.from({ length: to - from }, (_, at) => ({ n: from + at, ts: 0, stream, text: `line ${from + at}` }));
const numbers = (lines) => lines.rows.map((row) => (row.gap ? `gap ${row.gap}` : row.n));

test("no line is there twice", () => {
  const lines = logLines();
  assert.equal(lines.append(some(5, 8)), 3);
  assert.equal(lines.append(some(6, 10)), 2);
  assert.deepEqual(numbers(lines), [5, 6, 7, 8, 9]);
  assert.equal(lines.next, 10);
});

test("lines that are lost are an entry", () => {
  const lines = logLines();
  lines.append(some(0, 2));
  assert.equal(lines.append([{ n: 2, gap: 3 }, ...some(5, 6)]), 2);
  assert.equal(lines.append(some(8, 9)), 2);
  assert.deepEqual(numbers(lines), [0, 1, "gap 3", 5, "gap 2", 8]);
});

test("older lines join only what they reach", () => {
  const lines = logLines();
  lines.append(some(10, 12));
  assert.equal(lines.prepend(some(0, 5)), 0);
  assert.equal(lines.prepend(some(7, 11)), 3);
  assert.deepEqual(numbers(lines), [7, 8, 9, 10, 11]);
});

test("a full window drops from the end that is asked for, and takes it back", () => {
  const lines = logLines({ most: 100 });
  lines.append(some(0, 101));
  assert.equal(lines.trimStart(), 3);
  assert.equal(lines.first, 3);
  assert.equal(lines.trimStart(), 0);
  lines.prepend(some(0, 3));
  assert.equal(lines.trimEnd(), 3);
  assert.equal(lines.next, 98);
  assert.equal(lines.append(some(97, 100)), 2);
});

test("long lines fill it too, but one stays", () => {
  const lines = logLines({ volume: 100 });
  lines.append(some(0, 3).map((line) => ({ ...line, text: "x".repeat(60) })));
  assert.equal(lines.trimStart(), 2);
  assert.deepEqual([numbers(lines), lines.size], [[2], 60]);
  lines.append([{ n: 3, text: "x".repeat(500) }]);
  lines.trimStart();
  assert.deepEqual(numbers(lines), [3]);
});

test("a filter counts and shows only what passes", () => {
  const lines = logLines({ most: 10 });
  lines.append([...some(0, 4), ...some(4, 6, "stderr")]);
  lines.filter((line) => line.stream === "stderr");
  assert.deepEqual(numbers(lines), [4, 5]);
  assert.equal(lines.append([...some(6, 7), ...some(7, 8, "stderr")]), 1);
  assert.equal(lines.append(some(8, 15)), 0);
  assert.equal(lines.trimStart(), 2);
  assert.deepEqual([numbers(lines), lines.errors, lines.indexOf(6)], [[7], 1, 0]);
  lines.filter(null);
  assert.equal(lines.rows.length, 9);
});

test("an empty window takes any line, or the one it waits for", () => {
  const lines = logLines();
  lines.append(some(7, 8));
  lines.clear(20);
  assert.deepEqual([lines.isEmpty, lines.first, lines.next], [true, 20, 20]);
  assert.equal(lines.append(some(19, 21)), 1);
});

test("heights find rows, also after rows went, came and were measured", () => {
  const tall = heights();
  const check = (wanted) => {
    let top = 0;
    wanted.forEach((height, row) => {
      assert.equal(tall.top(row), top, `top of ${row}`);
      assert.equal(tall.at(top), row, `row at ${top}`);
      assert.equal(tall.at(top + height - 0.5), row);
      top += height;
    });
    assert.equal(tall.total, top);
  };
  tall.set([1, 2, 3]);
  check([1, 2, 3]);
  tall.push([4]);
  tall.shift(2);
  check([3, 4]);
  tall.unshift([5, 1]);
  check([5, 1, 3, 4]);
  assert.equal(tall.correct(1, [1, 3]), false);
  assert.equal(tall.correct(1, [2, 1]), true);
  check([5, 2, 1, 4]);
  tall.shift(1);
  tall.pop(1);
  check([2, 1]);
  tall.shift(2);
  assert.deepEqual([tall.total, tall.at(5), tall.top(0)], [0, 0, 0]);
  tall.push([2]);
  check([2]);
});
