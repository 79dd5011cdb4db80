// Run with `node --test tests/js`.

import assert from "node:assert/strict";
import test from "node:test";

import { beginning, faultsOf, valueWords } from "../../static/assets/js/params.js";

const PARAMETERS = [
  { kind: "env", key: "TARGET", default: "staging" }, { kind: "arg", key: "note" }, { kind: "flag", key: "--dry" },
  { kind: "flag", key: "--fast", default: "true" }, { kind: "option", key: "constructor", default: "" },
];

test("a form begins with the defaults; no default is left out, and a flag is off", () => {
  assert.deepEqual(beginning(PARAMETERS), { TARGET: "staging", note: null, "--dry": "false", "--fast": "true", constructor: "" });
});

test("a run that is made again begins with its values, for what the task still takes", () => {
  const given = { TARGET: null, note: "", "--dry": "true", "--fast": null, gone: "x" };
  assert.deepEqual(beginning(PARAMETERS, given), { TARGET: null, note: "", "--dry": "true", "--fast": "false", constructor: "" });
});

test("a refusal is told under its field, and under none where it is about none", () => {
  const keys = ["TARGET", "note"];
  const errors = [{ location: "body.params.TARGET", message: "must be one of a, b" }, { location: "body.params.gone", message: "unknown parameter" }];
  assert.deepEqual(faultsOf({ errors, message: "both" }, keys), { TARGET: "must be one of a, b", "": "unknown parameter" });
  assert.deepEqual(faultsOf({ errors: [], message: "already running" }, keys), { "": "already running" });
  assert.deepEqual(faultsOf(new TypeError("gone"), keys), { "": "gone" });
});

test("what is left out is told from the empty text", () => {
  assert.deepEqual([null, "", "false", " "].map(valueWords), ["left out", "empty text", "false", " "]);
});
