// Run with `node --test tests/js`.

import assert from "node:assert/strict";
import test from "node:test";

import { lineOf, route, runPath, taskPath } from "../../static/assets/js/router.js";

const RUN = "01JV7Q3K2M5N8P9R0S1T2V3W4X";

test("an address is a page", () => {
  for (const [path, page] of [
    ["/", "overview"], ["/timeline", "timeline"], ["/runs", "runs"], ["/notifications", "notifications"], ["/runs/", "runs"],
    ["/Runs", "missing"], ["/run", "missing"], ["/runs/x", "missing"], ["/tasks", "missing"], ["/tasks/", "missing"],
    ["/constructor", "missing"], ["/tasks//x", "missing"], ["/tasks/a/b/c", "missing"], ["/tasks/%E0%A4%A", "missing"],
  ]) assert.deepEqual(route(path), { page }, path);
});

test("a task's address has its name, and perhaps a run", () => {
  for (const [path, search, name, run] of [
    ["/tasks/backup", "", "backup", null], ["/tasks/backup/", "", "backup", null], ["/tasks/a.b.js", "", "a.b.js", null],
    [`/tasks/backup/${RUN}`, "", "backup", RUN], [`/tasks/backup/${RUN}/`, "", "backup", RUN],
    ["/tasks/backup", `?runId=${RUN}`, "backup", RUN], [`/tasks/backup/${RUN}`, "?runId=other", "backup", RUN],
    ["/tasks/backup", "?runId=", "backup", null], ["/tasks/db%3Abackup", "", "db:backup", null], ["/tasks/%C5%99%20%2F", "", "ř /", null],
  ]) assert.deepEqual(route(path, search), { page: "task", name, run }, path + search);
});

test("the address that is made for a name leads back to it", () => {
  for (const name of ["backup", "db:backup", "a b", "a/b", "100%", "ř", "a?b#c", "tasks", "%2F", "..."]) {
    assert.deepEqual(route(taskPath(name)), { page: "task", name, run: null }, name);
    assert.deepEqual(route(runPath(name, RUN)), { page: "task", name, run: RUN }, name);
    assert.doesNotMatch(runPath(name, RUN), /[ ?#]/);
  }
});

test("lines count from 1 in an address and from 0 elsewhere", () => {
  assert.equal(runPath("a", "r"), "/tasks/a/r");
  assert.equal(runPath("a", "r", null), "/tasks/a/r");
  assert.equal(runPath("a", "r", 0), "/tasks/a/r#L1");
  assert.equal(runPath("a", "r", 119), "/tasks/a/r#L120");
  for (const [hash, line] of [
    ["#L1", 0], ["#L120", 119], ["#L999999999999999", 999_999_999_999_998], ["", null], ["#", null], ["#L", null], ["#L0", null],
    ["#L01", null], ["#L-1", null], ["#L1.5", null], ["#l1", null], ["L1", null], ["#L1x", null], ["#L1000000000000000", null],
  ]) assert.equal(lineOf(hash), line, hash);
});
