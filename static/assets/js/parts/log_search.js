// Searches the logs of all runs of a task: hits by run, newest first. The daemon answers in
// portions and says where the next one goes on; it is asked until there is something to show.

import { plain } from "../ansi.js";
import { get, ofTask } from "../api.js";
import { exact } from "../clock.js";
import { el, fill, say, set } from "../dom.js";
import { plural } from "../format.js";
import { icon } from "../marks.js";
import { runPath } from "../router.js";
import { literal } from "./log_find.js";

const PORTION = 200;
// So much of a line is shown, and so much of that before what was found.
const LENGTH = 400;
const LEAD = 60;

export const logSearch = ({ task }) => {
  const is = { case: false, regex: false };
  let asked = "";
  let cursor;
  let runs = 0;
  let hits = 0;
  let request = new AbortController();

  const input = el("input", { type: "search", placeholder: "Search the logs of all runs", "aria-label": `Search the logs of all runs of ${task}`, spellcheck: "false", autocomplete: "off", maxlength: 1024 });
  const toggle = (name, what, title) =>
    el("button.segment", { type: "button", "aria-pressed": "false", title, onclick: ({ currentTarget }) => {
      is[what] = !is[what];
      set(currentTarget, "aria-pressed", String(is[what]));
      if (asked) search();
    } }, name);
  const form = el("form.log-search-bar", { role: "search", onsubmit: (event) => { event.preventDefault(); search(); } },
    el("div.field", icon("search"), input),
    el("div.segments", toggle("Aa", "case", "Upper and lower case differ"), toggle(".*", "regex", "Regular expression")),
    el("button.button", "Search"));
  const list = el("div.log-hits");
  const status = el("p", { role: "status" });
  const more = el("button.button", { hidden: true, onclick: () => read() }, "More");
  const element = el("section.log-search", { "aria-label": "Search the logs of all runs" }, form, list, el("div.log-search-foot", status, more));

  const search = () => {
    asked = input.value;
    cursor = undefined;
    runs = hits = 0;
    fill(list);
    say(status, "");
    read();
  };

  const read = async () => {
    request.abort();
    const { signal } = (request = new AbortController());
    const before = hits;
    let isOver = !asked;
    more.hidden = true;
    try {
      while (!isOver && hits === before) {
        say(status, `Searching… ${plural(runs, "run")} read`);
        const found = await get(ofTask(task, "/log/search"), { q: asked, regex: is.regex, case: is.case, limit: PORTION, cursor }, { signal });
        signal.throwIfAborted();
        runs += found.scanned_runs;
        hits += found.hits.length;
        cursor = found.next_cursor;
        isOver = found.exhausted;
        found.hits.forEach(add);
        say(status, !hits ? `Nothing found in ${plural(runs, "run")}`
          : `${plural(hits, "line")} in ${plural(list.children.length, "run")}${isOver ? "" : "; older runs are not searched yet"}`);
      }
    } catch (error) {
      if (signal.aborted) return;
      isOver = cursor === undefined;
      say(status, error.message);
    }
    more.hidden = isOver;
  };

  const add = (hit) => {
    let group = list.lastElementChild;
    if (group?.dataset.run !== hit.run_id) {
      group = el("section", { "data-run": hit.run_id }, el("h3", exact(hit.ts)));
      list.append(group);
    }
    group.append(el("a.log-hit", { class: `log-hit-${hit.stream}`, href: runPath(task, hit.run_id, hit.n) }, el("span.num.quiet", hit.n + 1), el("bdi", excerpt(plain(hit.text)))));
  };

  // The daemon's expressions are not quite those of the browser: then nothing is marked.
  const needle = () => {
    try {
      return is.regex ? new RegExp(asked, is.case ? "" : "i") : literal(asked, is.case ? "" : "i");
    } catch {
      return null;
    }
  };

  const excerpt = (text) => {
    const { 0: hit = "", index = 0 } = needle()?.exec(text) ?? {};
    const start = index > LENGTH / 2 ? index - LEAD : 0;
    return [start > 0 && "…", text.slice(start, index), hit && el("mark", hit.slice(0, LENGTH)), text.slice(index + hit.length, start + LENGTH)];
  };

  return {
    element,
    focus() {
      input.focus();
      input.select();
    },
    destroy: () => request.abort(),
  };
};
