// Finds a text in the lines that are loaded: how many have it, which one is shown. Long logs are
// looked through in small portions, so that the page goes on meanwhile.

import { plain } from "../ansi.js";
import { el, say } from "../dom.js";
import { count } from "../format.js";
import { hidden, icon } from "../marks.js";

// Of a frame of 16 ms.
const PORTION_MS = 6;
const PORTION_LINES = 200;

/**
 * `go(n)` shows a line; `changed()`: other lines have to be marked; `nearest()`: the number of
 * the line in view.
 */
export const logFind = ({ lines, go, changed, nearest }) => {
  let query = null;
  let test = null;
  // Numbers of the lines that have it, of those from `low` up to `high`.
  let hits = [];
  let low = 0;
  let high = 0;
  let current = null;
  let isFresh = false;

  const input = el("input", { type: "text", placeholder: "Find in loaded lines", spellcheck: "false", autocomplete: "off", enterkeyhint: "search", maxlength: 200 });
  const tally = el("output.log-tally");
  const step = (name, glyph, by) =>
    el("button", { class: `log-step log-step-${glyph}`, type: "button", title: name, "aria-label": name, onclick: () => move(by) }, icon("chevron"));
  const element = el("div.log-find", { role: "search" },
    icon("search"), el("label", hidden("Find in loaded lines"), input), tally,
    step("Previous line (Shift+Enter)", "up", -1), step("Next line (Enter)", "down", 1));

  const restart = () => {
    hits = [];
    low = high = nearest();
    current = null;
    isFresh = query !== null;
  };

  const ask = () => {
    const text = input.value;
    query = text ? new RegExp(text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), "gi") : null;
    test = query && new RegExp(query.source, "i");
    element.classList.toggle("is-active", query !== null);
    restart();
    tell();
    changed();
  };

  const select = (n) => {
    current = n;
    isFresh = false;
    tell();
    go(n);
  };

  const move = (by) => {
    if (!hits.length) return;
    const from = current ?? nearest();
    const behind = hits.findIndex((n) => n > from);
    const at = behind < 0 ? hits.length : behind;
    const isAt = hits[at - 1] === from;
    const to = by > 0 ? at : at - (isAt ? 2 : 1);
    select(hits[(to + hits.length) % hits.length]);
  };

  const tell = () => {
    const place = current === null ? 0 : hits.indexOf(current) + 1;
    say(tally, query ? `${place ? `${count(place)}/` : ""}${count(hits.length)}` : "");
  };

  // Looks at the rows of one portion; gives those that have it.
  const look = (from, to) => {
    const found = [];
    for (let row = from; row < to; row += 1) {
      const { n, text } = lines.rows[row];
      if (text && test.test(plain(text))) found.push(n);
    }
    return found;
  };

  /** Brings the hits up to date with the lines; true when there is more to do. */
  const sync = () => {
    if (!query) return false;
    const { first } = lines;
    const end = lines.next ?? 0;
    if (low < first || high > end) {
      hits = hits.filter((n) => n >= first && n < end);
      low = Math.max(low, first);
      high = Math.max(low, Math.min(high, end));
    }
    const until = performance.now() + PORTION_MS;
    while ((high < end || low > first) && performance.now() < until) {
      if (high < end) {
        const from = lines.indexOf(high);
        const to = Math.min(lines.rows.length, from + PORTION_LINES);
        hits.push(...look(from, to));
        high = to < lines.rows.length ? lines.rows[to].n : end;
      } else {
        const to = lines.indexOf(low);
        const from = Math.max(0, to - PORTION_LINES);
        hits.unshift(...look(from, to));
        low = from > 0 ? lines.rows[from].n : first;
      }
    }
    const isMore = high < end || low > first;
    // The first one behind the place where the search began, else the one before it.
    if (isFresh && (hits.length || !isMore)) {
      const start = nearest();
      const hit = hits.find((n) => n >= start) ?? (isMore ? undefined : hits.at(-1));
      if (hit !== undefined) select(hit);
      else isFresh = isMore;
    }
    tell();
    return isMore;
  };

  const clear = () => {
    input.value = "";
    ask();
  };

  input.addEventListener("input", ask);
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter") move(event.shiftKey ? -1 : 1);
    else if (event.key === "Escape" && input.value) clear();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  return {
    element,
    sync,
    restart,
    clear,
    focus() {
      input.focus();
      input.select();
    },
    get query() { return query; },
    get current() { return current; },
    get has() { return hits.length > 0; },
  };
};
