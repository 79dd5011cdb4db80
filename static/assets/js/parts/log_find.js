// Finds a text in the lines that are loaded: how many have it, which one is shown. Long logs are
// looked through in small portions, so that the page goes on meanwhile.

import { plain } from "../ansi.js";
import { el, say } from "../dom.js";
import { count } from "../format.js";
import { icon } from "../marks.js";

// Of a frame of 16 ms.
const PORTION_MS = 6;

/** Literally what was typed, in a group, so that a text can be split where it is. */
export const literal = (text, flags) => new RegExp(`(${text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")})`, flags);

/** `go(n)` shows a line; `changed()`: another text is looked for; `nearest()`: the line in view. */
export const logFind = ({ lines, go, changed, nearest }) => {
  let query = null;
  let current = null;
  // The rows that were looked at, those of them that have it, and whether some were left for later.
  let looked = new WeakMap();
  let rows = [];
  let hits = [];
  let isMore = false;
  // The first hit is shown without being asked for.
  let isFresh = false;

  const input = el("input", { type: "text", placeholder: "Find in loaded lines", "aria-label": "Find in loaded lines", spellcheck: "false", autocomplete: "off", maxlength: 200 });
  const tally = el("output.log-tally");
  const step = (name, glyph, by) =>
    el(`button.button.button-bare.log-${glyph}`, { hidden: true, title: name, "aria-label": name, onclick: () => move(by) }, icon("chevron"));
  const steps = [step("Previous line (Shift+Enter)", "up", -1), step("Next line (Enter)", "down", 1)];
  const element = el("div.field.log-find", { role: "search" }, icon("search"), input, tally, steps);

  const ask = () => {
    query = input.value ? literal(input.value, "i") : null;
    looked = new WeakMap();
    rows = hits = [];
    current = null;
    isFresh = true;
    for (const button of steps) button.hidden = !query;
    changed();
  };

  const select = (hit) => {
    if (!hit) return;
    current = hit.n;
    isFresh = false;
    go(current);
  };

  const move = (by) => {
    const from = current ?? nearest();
    if (by > 0) select(hits.find(({ n }) => n > from) ?? hits[0]);
    else select(hits.findLast(({ n }) => n < from) ?? hits.at(-1));
  };

  const look = () => {
    const until = performance.now() + PORTION_MS;
    rows = lines.rows;
    isMore = false;
    hits = rows.filter((row) => {
      if (!looked.has(row)) {
        isMore ||= performance.now() > until;
        if (isMore || row.gap) return false;
        looked.set(row, query.test(plain(row.text)));
      }
      return looked.get(row);
    });
  };

  /** Brings the hits up to date with the lines; true when there is more to do. */
  const sync = () => {
    if (query && (isMore || rows !== lines.rows)) look();
    if (isFresh) select(hits.find(({ n }) => n >= nearest()) ?? (!isMore && hits.at(-1)));
    isFresh &&= isMore;
    const at = hits.findIndex(({ n }) => n === current);
    say(tally, query ? `${at < 0 ? "" : `${count(at + 1)}/`}${count(hits.length)}` : "");
    return Boolean(query) && isMore;
  };

  const clear = () => {
    input.value = "";
    ask();
  };

  input.addEventListener("input", ask);
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    move(event.shiftKey ? -1 : 1);
  });

  return {
    element,
    sync,
    clear,
    focus() {
      input.focus();
      input.select();
    },
    get query() { return query; },
    get current() { return current; },
  };
};
