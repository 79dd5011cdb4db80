// What is said around the lines of a log: what is missing above and below them, how the run
// ended, how many there are, and the way back to the end.

import { el, fill, say } from "../dom.js";
import { bytes, grouped, plural } from "../format.js";
import { outcomeOf, word } from "../marks.js";

/** `failed, exit 1, 403 lines` */
const ending = (run, total) => {
  const outcome = outcomeOf(run);
  const exit = run.exit_code > 0 && outcome !== "success" ? `, exit ${run.exit_code}` : "";
  return `${word(outcome)}${exit}, ${plural(total, "line")}`;
};

const failed = (what, error) => `${what} lines could not be loaded: ${error.message}. Retry`;

/** `anchored(change)` keeps the lines where they are; `announce(text)` is for screen readers. */
export const logEdges = ({ source, lines, anchored, announce, toEnd }) => {
  const edge = (onclick) => el("button.log-edge", { type: "button", hidden: true, onclick });
  const head = edge(() => source.older());
  const tail = edge(() => (source.hasNewer ? source.newer() : source.retry()));
  const jump = el("button.log-jump", { type: "button", hidden: true, onclick: toEnd });
  const total = el("span");
  const shown = el("span.log-shown");
  const end = el("span.end");
  let said = "";

  const above = () => {
    const count = lines.first;
    if (lines.isEmpty || !count) return "";
    if (source.failure.older) return failed("Earlier", source.failure.older);
    if (!source.hasOlder) return `${plural(count, "earlier line")} dropped (log rotated)`;
    return source.busy.older ? "Loading earlier lines…" : plural(count, "earlier line");
  };

  const below = () => {
    const { failure, live, outcome } = source;
    if (source.phase !== "ready") return "";
    if (live === "interrupted") return "Live stream interrupted, resuming";
    if (lines.isEmpty) return "";
    if (failure.newer) return failed("Later", failure.newer);
    if (source.hasNewer) return source.busy.newer ? "Loading later lines…" : plural(source.total - lines.next, "later line");
    return outcome ? ending(outcome, source.total) : "";
  };

  const write = (node, text, isActive) => {
    node.disabled = !isActive;
    if (node.textContent === text) return;
    node.hidden = !text;
    fill(node, el("span", text));
  };

  return {
    head,
    tail,
    jump,
    foot: el("div.log-foot", total, shown, end),

    /** Before the rows are placed: this moves them. */
    update() {
      const text = above();
      if (!text === head.hidden) write(head, text, source.hasOlder);
      else anchored(() => write(head, text, source.hasOlder));
      const last = below();
      write(tail, last, source.hasNewer || source.live === "interrupted");
      const news = source.live === "interrupted" || (source.outcome && !source.hasNewer) ? last : "";
      if (news && said && news !== said) announce?.(news);
      said = news || "-";
    },

    /** After it: which rows are seen, whether the end is, and how many lines are new. */
    tell({ seen: [from, to], isFollowing, isAtEnd, fresh, isFinding }) {
      const { phase, failure, live, outcome } = source;
      const list = lines.rows;
      const isWhole = !lines.isEmpty && lines.first + source.available === 0 && !source.hasNewer;
      say(total, phase === "ready" ? plural(source.total, "line") + (isWhole ? `, ${bytes(lines.size + source.total)}` : "") : "");
      say(shown, !list.length ? ""
        : isFinding && source.hasOlder ? "earlier lines are not loaded, so not searched"
        : isFinding && source.hasNewer ? "later lines are not loaded, so not searched"
        : `lines ${grouped(list[from].n + 1)}–${grouped(list[to].n + 1)} shown`);
      say(end, failure.window ? `could not be loaded: ${failure.window.message}`
        : isFollowing && !outcome && live !== "none" ? "following"
        : isAtEnd && list.length ? "at the end" : "");
      jump.hidden = isAtEnd || isFollowing || !list.length;
      say(jump, fresh > 0 && !outcome ? `Jump to end, ${plural(fresh, "new line")}` : "Jump to end");
    },
  };
};
