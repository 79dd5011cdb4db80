// What is said around the lines of a log: why there are none, what is missing above and below
// them, how the run ended, how many there are, and the way back to the end.

import { el, fill, say } from "../dom.js";
import { grouped, plural } from "../format.js";
import { outcomeOf, word } from "../marks.js";
import { broken, empty, skeleton } from "./states.js";

/** `toEnd()` is what the button does. */
export const logNotes = ({ source, lines, toEnd }) => {
  const edge = (onclick, role) => el("div.log-edge", { hidden: true, role }, el("button.link", { onclick }));
  const head = edge(() => source.older());
  const tail = edge(() => (source.hasNewer ? source.newer() : source.retry()), "status");
  const state = el("div.log-state");
  const jump = el("button.button.log-jump", { hidden: true, onclick: toEnd });
  const total = el("span");
  const shown = el("span.log-shown");
  const end = el("span");
  let stated = "";

  const reason = () => {
    const { run, failure } = source;
    if (source.isGone) return ["This run was deleted."];
    if (run.status === "pending") return ["Run has not started", "It waits for a slot; it starts when a run before it has ended."];
    if (!lines.isEmpty) return lines.rows.length ? [] : ["No stderr in the lines that are loaded"];
    if (failure.window) return [failure.window];
    if (!source.isReady || source.busy.window) return ["loading"];
    if (source.total) return ["The log is no longer stored", `It had ${plural(source.total, "line")}.`];
    if (run.status === "ended" && !run.start_at) return ["Run has not started", run.message ?? word(run.end_reason)];
    return run.status === "ended" || source.outcome ? ["No output", run.message] : ["Waiting for output…"];
  };

  const explain = () => {
    const [title, text] = reason();
    if (stated === `${title} ${text}`) return;
    stated = `${title} ${text}`;
    fill(state, title === "loading" ? skeleton(8) : title instanceof Error ? broken(title, source.retry) : title && empty(title, text));
  };

  const failed = (what, error) => `${what} lines could not be loaded: ${error.message}. Retry`;

  const above = () => {
    if (lines.isEmpty || !lines.first) return "";
    if (source.failure.older) return failed("Earlier", source.failure.older);
    if (!source.hasOlder) return `${plural(lines.first, "earlier line")} dropped (log rotated)`;
    return source.busy.older ? "Loading earlier lines…" : plural(lines.first, "earlier line");
  };

  // `failed, exit 1, 403 lines`
  const ending = (run) => {
    const outcome = outcomeOf(run);
    const exit = run.exit_code > 0 && outcome !== "success" ? `, exit ${run.exit_code}` : "";
    return `${word(outcome)}${exit}, ${plural(source.total, "line")}`;
  };

  const below = () => {
    if (source.isReady && source.live === "interrupted") return "Live stream interrupted, resuming";
    if (lines.isEmpty) return "";
    if (source.failure.newer) return failed("Later", source.failure.newer);
    if (source.hasNewer) return source.busy.newer ? "Loading later lines…" : plural(source.total - lines.next, "later line");
    return source.outcome ? ending(source.outcome) : "";
  };

  const write = (side, text, isActive) => {
    side.hidden = !text;
    side.firstChild.disabled = !isActive;
    say(side.firstChild, text);
  };

  return {
    head,
    tail,
    state,
    jump,
    foot: el("div.log-foot", total, shown, end),

    /** Before the rows are placed: this moves them. */
    update() {
      explain();
      write(head, above(), source.hasOlder);
      write(tail, below(), source.hasNewer || source.live === "interrupted");
    },

    /** After it: which rows are seen, whether the end is, and how many lines are new. */
    tell({ seen: [from, to], isFollowing, isAtEnd, fresh, isFinding }) {
      const { rows } = lines;
      const missing = source.hasOlder ? "earlier" : "later";
      say(total, source.isReady ? plural(source.total, "line") : "");
      say(shown, !rows.length ? ""
        : isFinding && (source.hasOlder || source.hasNewer) ? `${missing} lines are not loaded, so not searched`
        : `lines ${grouped(rows[from].n + 1)}–${grouped(rows[to].n + 1)} shown`);
      say(end, source.failure.window ? `could not be loaded: ${source.failure.window.message}`
        : isFollowing && source.live !== "none" ? "following"
        : isAtEnd && rows.length ? "at the end" : "");
      jump.hidden = isAtEnd || isFollowing || !rows.length;
      say(jump, fresh > 0 && !source.outcome ? `Jump to end, ${plural(fresh, "new line")}` : "Jump to end");
    },
  };
};
