// Searches the logs of all runs of a task: hits by run, newest first. The daemon answers in
// portions and says where the next one goes on; it is asked until there is something to show.

import { plain } from "../ansi.js";
import { get, ofTask } from "../api.js";
import { exact } from "../clock.js";
import { el, fill, say, set } from "../dom.js";
import { plural } from "../format.js";
import { icon } from "../marks.js";

const PORTION = 200;
// So much of a line is shown, and so much of that before what was found.
const LENGTH = 400;
const LEAD = 60;

/** `onOpen(runId, n)`: a hit was chosen. */
export const logSearch = ({ task, onOpen }) => {
  let isCase = false;
  let isRegex = false;
  let asked = null;
  let cursor;
  let runs = 0;
  let hits = 0;
  let request = new AbortController();

  const input = el("input", { type: "search", placeholder: "Search the logs of all runs", "aria-label": `Search the logs of all runs of ${task}`, spellcheck: "false", autocomplete: "off", maxlength: 1024 });
  const toggle = (name, title, flip) => {
    const button = el("button.segment", { type: "button", "aria-pressed": "false", title, onclick: () => {
      set(button, "aria-pressed", String(flip()));
      if (asked !== null) search();
    } }, name);
    return button;
  };
  const form = el("form.log-search-bar", { role: "search", onsubmit: (event) => { event.preventDefault(); search(); } },
    el("div.field", icon("search"), input),
    el("div.segments",
      toggle("Aa", "Upper and lower case differ", () => (isCase = !isCase)),
      toggle(".*", "Regular expression", () => (isRegex = !isRegex))),
    el("button.button", "Search"));
  const list = el("div.log-hits");
  const status = el("p.log-search-status", { role: "status" });
  const more = el("button.button", { type: "button", hidden: true, onclick: () => read() }, "More");
  const element = el("section.log-search", { "aria-label": "Search the logs of all runs" }, form, list, el("div.log-search-foot", status, more));

  const search = () => {
    asked = input.value;
    cursor = undefined;
    runs = hits = 0;
    fill(list);
    request.abort();
    if (asked) return read();
    asked = null;
    more.hidden = true;
    say(status, "");
  };

  const read = async () => {
    request.abort();
    const own = (request = new AbortController());
    const before = hits;
    more.hidden = true;
    set(element, "aria-busy", "true");
    try {
      for (;;) {
        say(status, `Searching… ${plural(runs, "run")} read`);
        const found = await get(ofTask(task, "/log/search"), { q: asked, regex: isRegex, case: isCase, limit: PORTION, cursor }, { signal: own.signal });
        if (own.signal.aborted) return;
        runs += found.scanned_runs;
        hits += found.hits.length;
        cursor = found.next_cursor;
        add(found.hits);
        more.hidden = found.exhausted;
        say(status, tale(found.exhausted));
        if (found.exhausted || hits > before) break;
      }
    } catch (error) {
      if (own.signal.aborted) return;
      more.hidden = cursor === undefined;
      say(status, error.message);
    }
    set(element, "aria-busy", null);
  };

  const tale = (isOver) =>
    hits ? `${plural(hits, "line")} in ${plural(list.children.length, "run")}${isOver ? "" : "; older runs are not searched yet"}`
    : isOver ? `Nothing found in ${plural(runs, "run")}` : `Nothing yet in ${plural(runs, "run")}`;

  const add = (found) => {
    const needle = pattern();
    for (const hit of found) {
      let group = list.lastElementChild;
      if (group?.dataset.run !== hit.run_id) {
        group = el("section", { "data-run": hit.run_id }, el("h3", el("time", { datetime: new Date(hit.ts).toISOString() }, exact(hit.ts))), el("ul"));
        list.append(group);
      }
      group.lastElementChild.append(el("li",
        el("a", { class: `log-hit log-hit-${hit.stream}`, href: `/tasks/${encodeURIComponent(task)}/${hit.run_id}#L${hit.n + 1}`, onclick: (event) => {
          if (event.ctrlKey || event.metaKey || event.shiftKey) return;
          event.preventDefault();
          onOpen(hit.run_id, hit.n);
        } }, el("span.log-hit-number", hit.n + 1), el("bdi", excerpt(plain(hit.text), needle)))));
    }
  };

  // The daemon's expressions are not quite those of the browser: then nothing is marked.
  const pattern = () => {
    try {
      return new RegExp(isRegex ? asked : asked.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"), isCase ? "" : "i");
    } catch {
      return null;
    }
  };

  const excerpt = (text, needle) => {
    const found = needle?.exec(text);
    const start = found && found.index > LENGTH / 2 ? found.index - LEAD : 0;
    const end = start + LENGTH;
    const before = start ? "…" : "";
    const after = text.length > end ? "…" : "";
    if (!found?.[0]) return [text.slice(start, end), after];
    const stop = Math.min(found.index + found[0].length, end);
    return [before, text.slice(start, found.index), el("mark", text.slice(found.index, stop)), text.slice(stop, end), after];
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
