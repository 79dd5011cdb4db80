// What stands in a log that has no lines to show: that it loads, that there are none, and why.

import { el, fill } from "../dom.js";
import { word } from "../marks.js";

// Faster than this, bars would only flicker.
const PATIENCE = 150;

const REASONS = {
  pending: "It waits for a slot; it starts when a run before it has ended.",
  skipped: "Another run was still going, so this one was skipped.",
  queue_full: "Too many runs were waiting already.",
  missed: "The daemon was not running when it was due.",
  dst_skipped: "Clocks were put forward over the time when it was due.",
  stopped: "It was stopped before it began.",
};

export const logState = ({ retry }) => {
  const element = el("div.log-state", { hidden: true });
  let shown = "";
  let timer;

  const words = ({ source, lines, filter }) => {
    const { run, phase, error, total } = source;
    const end = run.end_reason;
    if (phase === "gone") return ["This run was deleted."];
    if (phase === "pending") return ["Run has not started", REASONS.pending];
    if (phase === "broken") return ["The log could not be loaded", error.message, true];
    if (phase === "loading") return ["loading"];
    if (!lines.isEmpty) return lines.rows.length || filter === "all" ? [] : ["No stderr in the lines that are loaded"];
    if (total > 0) return ["The log is no longer stored", `It had ${total} lines.`];
    if (run.status === "ended" && !run.start_at) return ["Run has not started", run.message ?? REASONS[end] ?? word(end)];
    if (run.status === "ended" || source.outcome) return ["No output", run.message];
    return ["Waiting for output…"];
  };

  const bones = () => el("div.log-bones", { role: "status", "aria-label": "Loading" }, Array.from({ length: 8 }, () => el("span")));

  const draw = ([title, text, isBroken]) => {
    element.hidden = !title;
    set(element, isBroken);
    if (title === "loading") fill(element, bones());
    else fill(element, el("b", title), text && el("p", text), isBroken && el("button.log-tool", { type: "button", onclick: retry }, "Retry"));
  };

  const set = (node, isBroken) => (isBroken ? node.setAttribute("role", "alert") : node.removeAttribute("role"));

  return {
    element,
    update(what) {
      const now = words(what);
      if (String(now) === shown) return;
      shown = String(now);
      clearTimeout(timer);
      if (now[0] === "loading" && what.lines.isEmpty) {
        element.hidden = true;
        timer = setTimeout(draw, PATIENCE, now);
      } else draw(now[0] === "loading" ? [] : now);
    },
    destroy: () => clearTimeout(timer),
  };
};
