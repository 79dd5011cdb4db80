// The one mark of every outcome, its word, and the icons. Round is calm, corners are trouble; the
// shapes stand in index.html, the colours in the style sheets.

import { el, svg } from "./dom.js";

// Outcomes that look like another one.
const ALIKE = { queue_full: "skipped", dst_skipped: "skipped", start_failed: "failed", unhealthy: "failed", fatal: "failed", daemon_stopped: "stopped" };
const KNOWN = new Set([
  "success", "running", "pending", "skipped", "failed", "timeout", "crashed", "log_overflow",
  "stopped", "missed", "partial", "idle",
]);

const FAILURES = new Set(["failed", "timeout", "crashed", "log_overflow", "missed", "start_failed", "unhealthy", "fatal"]);

/**
 * What a run is now: how it ended, or that it has not. Where its job says otherwise than the reason
 * whether that is a failure, it is told behind a colon: `failed:ok`, `stopped:failure`.
 */
export const outcomeOf = ({ status = "ended", end_reason: reason, failure }) => {
  if (status !== "ended") return status;
  return (failure ?? FAILURES.has(reason)) === FAILURES.has(reason) ? reason : `${reason}:${failure ? "failure" : "ok"}`;
};

const isLoud = (outcome) => /:failure$/.test(outcome);

export const isFailure = (outcome) => FAILURES.has(outcome) || isLoud(outcome);

/** The look of an outcome; what is not known yet looks idle, and so does what is no failure after all. */
export const look = (outcome) => {
  const name = isLoud(outcome) ? "failed" : (ALIKE[outcome] ?? outcome);
  return KNOWN.has(name) ? name : "idle";
};

/** An outcome as a word: the enumeration may grow. */
export const word = (outcome) => outcome.split(":")[0].replaceAll("_", " ");

export const icon = (name, className = "icon") =>
  svg("svg", { class: className, "aria-hidden": "true" }, svg("use", { href: `#i-${name}` }));

const use = (outcome) => svg("use", { href: `#m-${look(outcome)}` });

export const mark = (outcome) =>
  svg("svg", { class: `mark mark-${look(outcome)}`, "aria-hidden": "true" }, use(outcome));

/** Changes a mark in place. */
export const setMark = (node, outcome) => {
  const name = look(outcome);
  if (node.classList.contains(`mark-${name}`)) return;
  node.setAttribute("class", `mark mark-${name}`);
  node.replaceChildren(use(outcome));
};

/** Mark and word. */
export const badge = (outcome, text = word(outcome)) =>
  el("span", { class: `outcome outcome-${look(outcome)}` }, mark(outcome), text);

/** Words for those who do not see. */
export const hidden = (text) => el("span.visually-hidden", text);
