// The list of tasks on the overview: tabs, order, search, and a row for each task, grouped by
// how it stands.

import { strip, updateStrip } from "../charts/strip.js";
import { age, now, setAge, setDue, setSince, settle } from "../clock.js";
import { schedule } from "../cron_words.js";
import { el, fill, reconcile, say, set } from "../dom.js";
import { millis } from "../format.js";
import { hidden, icon, look, mark, setMark, word } from "../marks.js";
import { go, taskPath } from "../router.js";
import { keep, setting } from "../settings.js";
import { lastOf, markOf, matches, nextWord, ORDERS, resultOf, STATES, timeOf, triggerOf } from "../task_state.js";
import { mutedMark, updateMuted } from "./muted.js";
import { empty } from "./states.js";

const TABS = [["all", "All"], ["attention", "Attention"], ["running", "Running"], ["scheduled", "Scheduled"], ["manual", "Manual"]];
/** Tasks of one state under "All", until all are asked for. */
const FEW = 4;
/** Rows of a list without groups. */
const MANY = 100;
const COLUMNS = ["mark", "name", "trigger", "strip", "last", "ago", "next"];
const EXAMPLE = '[tasks.hello]\ncron = "*/5 * * * *"\nrun = "date"';

export const taskList = ({ store }) => {
  let tab = "all";
  let entries = [];
  const opened = new Set();

  const tabs = el("div.tabs", { role: "tablist", "aria-label": "State" }, TABS.map(([name, title]) =>
    el("button.tab", { role: "tab", id: `tab-${name}`, "aria-controls": "task-list", "data-tab": name, onclick: () => choose(name) }, title, el("span.count"))));
  const order = el("select", {
    "aria-label": "Order", onchange: () => { keep("order", order.value); draw(); },
  }, Object.keys(ORDERS).map((name) => el("option", { value: name }, name)));
  order.value = ORDERS[setting("order")] ? setting("order") : "Attention first";
  const search = el("input", { type: "search", placeholder: "Search", "aria-label": "Search tasks", "data-search": true, oninput: () => draw() });
  const table = el("table.tasks", el("caption.visually-hidden", "Tasks"),
    el("colgroup", COLUMNS.map((name) => el("col", { class: `col-${name}` }))),
    el("thead.visually-hidden", el("tr", ["State", "Task", "Trigger", "Last runs", "Last result", "Last run", "Next run"].map((name) => el("th", { scope: "col" }, name)))));
  const body = el("div", { id: "task-list", role: "tabpanel", "aria-labelledby": "tab-all" });
  const element = el("section", { "aria-label": "Tasks" },
    el("div.list-head", tabs,
      el("div.list-tools", el("label.select", order, icon("chevron")),
        el("label.field", icon("search"), search, el("span.key", "/")))),
    body);

  tabs.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const names = TABS.map(([name]) => name);
    choose(names[(names.indexOf(tab) + step + names.length) % names.length]);
    tabs.querySelector('[aria-selected="true"]').focus();
    event.preventDefault();
  });

  const choose = (name) => {
    tab = name;
    draw();
  };

  const groups = () => {
    const found = entries.filter(({ task }) => matches(task, search.value)).sort(ORDERS[order.value]);
    if (tab !== "all") return [{ state: tab, title: null, list: found.filter(({ state }) => state === tab), most: MANY }];
    if (order.value !== "Attention first") return [{ state: "all", title: null, list: found, most: MANY }];
    const most = search.value ? MANY : FEW;
    return STATES.map((state) => ({ state, title: state, list: found.filter((entry) => entry.state === state), most })).filter(({ list }) => list.length);
  };

  const draw = () => {
    for (const node of tabs.children) {
      const name = node.dataset.tab;
      const isChosen = name === tab;
      set(node, "aria-selected", String(isChosen));
      set(node, "tabindex", isChosen ? "0" : "-1");
      say(node.lastElementChild, String(name === "all" ? entries.length : entries.filter(({ state }) => state === name).length));
    }
    set(body, "aria-labelledby", `tab-${tab}`);
    const shown = groups();
    if (!shown.some(({ list }) => list.length)) return fill(body, nothing());
    if (table.parentNode !== body) fill(body, table);
    reconcile(table, shown, ({ state, title }) => `${state} ${Boolean(title)}`, group, updateGroup);
  };

  const nothing = () => {
    if (!entries.length) return empty("No tasks yet", ["Tasks are defined in ", el("span.mono", "runwisp.toml"), ". The smallest one:"], EXAMPLE);
    if (search.value) return empty("No such task", `No name or description has "${search.value.trim()}".`);
    return empty({ attention: "Nothing needs attention", running: "Nothing is running", scheduled: "Nothing is scheduled", manual: "No task is started by hand only" }[tab]);
  };

  const group = ({ title }) => {
    const head = title && el("tr", el("th", { colspan: COLUMNS.length, scope: "rowgroup" }, title));
    const more = el("button.show-all");
    return el("tbody", head, el("tr.more-row", { hidden: true, "data-key": "more" }, el("td", { colspan: COLUMNS.length }, more)));
  };

  const updateGroup = (node, { state, list, most }) => {
    const few = opened.has(state) ? list : list.slice(0, most);
    const more = node.querySelector(".more-row");
    const isCut = few.length < list.length;
    reconcile(node, [...few, more], (item) => (item === more ? "more" : item.task.name), row, (line, item) => item !== more && updateRow(line, item));
    more.hidden = !isCut;
    const button = more.querySelector("button");
    say(button, `Show all ${list.length}${state === "all" ? "" : ` ${state === "attention" ? "that need attention" : state}`}`);
    button.onclick = () => { opened.add(state); draw(); };
  };

  return {
    element,
    update() {
      entries = store.entries();
      draw();
    },
  };
};

const row = ({ task, outcomes, live }) => {
  const link = el("a.task-name", { href: taskPath(task.name), "data-row": true }, task.name);
  return el("tr", {
    onclick: (event) => event.target.closest("a, button") || String(getSelection()) || go(taskPath(task.name)),
  },
  el("td", mark("idle")),
  el("td.cell-name", { title: task.description ? `${task.name}: ${task.description}` : task.name }, link, mutedMark(), el("span.task-about", task.description ?? "")),
  el("td.hide-phone", el("span.mono.quiet", { title: task.cron ? schedule(task.cron) : null }, triggerOf(task))),
  el("td.cell-strip", strip(outcomes, { live: live.length })),
  el("td.cell-last", el("span.outcome")),
  el("td.hide-phone.num.quiet", age(0)),
  el("td.cell-next.num.quiet", age(0)));
};

const updateRow = (node, entry) => {
  const { task, outcomes, live } = entry;
  const [sign, name, , bars, last, ago, next] = node.children;
  updateMuted(name.children[1], task);
  setMark(sign.firstElementChild, markOf(entry));
  updateStrip(bars.firstElementChild, outcomes, { live: live.length });
  const { outcome, text } = resultOf(entry, now());
  const result = last.firstElementChild;
  result.className = `outcome outcome-${look(outcome)}`;
  if (result.dataset.text !== text + outcome) {
    result.dataset.text = text + outcome;
    // A good result shows its duration only, so its word is for those who do not see the mark.
    fill(result, outcome === "success" ? [hidden(`${word(outcome)} in `), text] : text);
  }
  const newest = lastOf(entry);
  const time = ago.firstElementChild;
  if (!newest) settle(time, "");
  else if (newest.status === "running") {
    set(time, "data-age", null);
    set(time, "title", `running since ${newest.start_at}`);
    setSince(time, millis(newest.start_at));
  } else {
    set(time, "data-since", null);
    setAge(time, timeOf(newest));
  }
  const fixed = nextWord(task);
  if (fixed) {
    settle(next.firstElementChild, fixed);
    set(next.firstElementChild, "title", null);
  } else setDue(next.firstElementChild, millis(task.next_run_at));
};
