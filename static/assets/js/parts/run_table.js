// The table of runs: a row for each, days between them, folds of quiet ones, and bars that
// compare a duration with the usual one.

import { age, now, setAge, setSince, zone } from "../clock.js";
import { el, fill, reconcile, say, set, svg } from "../dom.js";
import { clock, dayKey, dayName, duration, hourMinute, millis } from "../format.js";
import { folded, namesOf, usual } from "../fold.js";
import { badge, icon, isFailure, mark, outcomeOf } from "../marks.js";
import { go, runPath } from "../router.js";
import { timeOf, tookOf, usedWords } from "../task_state.js";

const COLUMNS = [
  { name: "status", field: "status" }, { name: "task", field: "task_name" }, { name: "trigger", className: "hide-phone", width: "by" },
  { name: "started", field: "created_at", width: "start" }, { name: "", says: "age", width: "rel" },
  { name: "took", field: "duration", className: "num took" }, { name: "vs usual", className: "hide-phone", width: "usual" },
  { name: "exit", field: "exit_code", className: "num hide-phone" },
];

// The bar: the usual duration is a third of its width.
const UNIT = 56 / 3;

/** `onSort(field)`; `selection` has `isOn`, `has(id)`, `toggle(id, isRange)`. */
export const runTable = ({ store, onSort, selection }) => {
  const heads = COLUMNS.map(({ name, says, field, className }) =>
    el("th", { scope: "col", class: className, "data-field": field },
      field ? el("button.sort", { onclick: () => onSort(field) }, name, el("span", { "aria-hidden": "true" })) : says ? el("span.visually-hidden", says) : name));
  const body = el("tbody");
  const element = el("table.run-table", el("caption.visually-hidden", "Runs"),
    el("colgroup", COLUMNS.map(({ name, width }) => el("col", { class: name === "task" ? null : `col-${width ?? name}` }))),
    el("thead", el("tr", heads)), body);
  const unfolded = new Set();
  let options;

  const usualOf = (name) => (store.tasks.get(name)?.kind === "service" ? NaN : usual(store.outcomes(name)));

  const items = ({ runs, isFolding, hasDays }) => {
    const dayOf = (run) => dayKey(millis(run.created_at), zone());
    const list = isFolding && !selection.isOn ? folded(runs, usualOf, (a, b) => dayOf(a) !== dayOf(b)) : runs.map((run) => ({ run }));
    const shown = [];
    let day = null;
    for (const item of list) {
      const first = item.run ?? item.fold[0];
      if (hasDays && dayOf(first) !== day) {
        day = dayOf(first);
        shown.push({ key: `day ${day}`, day: millis(first.created_at) });
      }
      if (item.run) {
        shown.push({ key: item.run.id, run: item.run });
        continue;
      }
      // By the oldest: newer ones join the fold without another one being opened.
      const key = `fold ${item.fold.at(-1).id}`;
      shown.push({ key, fold: item.fold });
      if (unfolded.has(key)) shown.push(...item.fold.map((run) => ({ key: run.id, run, isInner: true })));
    }
    return shown;
  };

  const create = (item) => {
    if (item.day) return el("tr.day-row", el("th", { colspan: COLUMNS.length, scope: "rowgroup" }, dayWords(item.day)));
    return item.fold ? foldRow(item) : runRow(item);
  };

  const foldRow = ({ key }) => {
    const button = el("button.fold", {
      "data-row": true, onclick: () => {
        if (!unfolded.delete(key)) unfolded.add(key);
        draw();
      },
    }, el("span.side-name"), icon("chevron"));
    return el("tr.fold-row", el("td.cell-status", el("span.outcome.outcome-success")),
      el("td.run-task", { colspan: 2 }, button), el("td.cell-start"), el("td.rel"), el("td.took"), el("td.hide-phone"), el("td.num.hide-phone"));
  };

  const runRow = ({ run }) => {
    const link = el("a", { href: runPath(run.task_name, run.id), "data-row": true, title: run.task_name }, run.task_name);
    return el("tr", {
      onclick: (event) => {
        if (selection.isOn) {
          event.preventDefault();
          selection.toggle(run.id, event.shiftKey);
        } else if (!event.target.closest("a, button") && !String(getSelection())) go(runPath(run.task_name, run.id));
      },
    },
    el("td.cell-status"), el("td.run-task", link), el("td.hide-phone"),
    el("td.cell-start"), el("td.rel", age(0)), el("td.num.took", el("span")),
    el("td.hide-phone"), el("td.num.hide-phone"));
  };

  const update = (node, item) => {
    if (item.fold) updateFold(node, item, unfolded.has(item.key));
    else if (item.run) updateRun(node, item);
    else say(node.firstElementChild, dayWords(item.day));
  };

  const updateRun = (node, { run, isInner }) => {
    const outcome = outcomeOf(run);
    const [status, task, trigger, start, rel, took, bar, exit] = node.children;
    node.classList.toggle("run-inner", Boolean(isInner));
    const state = `${outcome} ${selection.isOn} ${selection.has(run.id)}`;
    if (status.dataset.state !== state) {
      status.dataset.state = state;
      node.classList.toggle("run-picked", selection.isOn && selection.has(run.id));
      fill(status, selection.isOn && el("input", {
        type: "checkbox", class: "pick", checked: selection.has(run.id), "aria-label": `Select the run of ${run.task_name}`,
        onclick: (event) => { event.stopPropagation(); selection.toggle(run.id, event.shiftKey); },
      }), badge(outcome));
    }
    if (task.childElementCount === 1) {
      task.append(...[
        run.replica_index > 0 && el("span.quiet", ` #${run.replica_index}`),
        run.retry_attempt > 0 && el("span.tag", `retry ${run.retry_attempt}`),
      ].filter(Boolean));
    }
    say(trigger, run.triggered_by);
    say(start, options.hasDays ? clock(timeOf(run), zone()) : `${dayName(timeOf(run), zone(), true)} ${hourMinute(timeOf(run), zone())}`);
    setAge(rel.firstElementChild, timeOf(run));
    const time = took.firstElementChild;
    if (run.status === "running") setSince(time, timeOf(run));
    else {
      set(time, "data-since", null);
      say(time, run.status === "pending" ? "waiting" : duration(tookOf(run, now())));
    }
    set(took, "title", usedWords(run) || null);
    const length = tookOf(run, now());
    const median = usualOf(run.task_name);
    const ratio = run.start_at && median > 0 ? length / median : NaN;
    const key = `${outcome} ${Math.round(ratio * 20)}`;
    if (bar.dataset.bar !== key) {
      bar.dataset.bar = key;
      fill(bar, comparison(ratio, outcome));
      set(bar, "title", ratio >= 0 ? `${duration(length)}, usually ${duration(median)}` : null);
    }
    say(exit, run.status !== "ended" ? "" : run.exit_code < 0 ? "–" : String(run.exit_code));
  };

  const draw = () => {
    reconcile(body, items(options), ({ key }) => key, create, update);
  };

  return {
    element,
    /** `{ runs, isFolding, hasDays, sort: { field, direction } }` */
    update(next) {
      options = next;
      for (const head of heads) {
        const isSorted = head.dataset.field === next.sort.field;
        head.classList.toggle("sorted", isSorted);
        set(head, "aria-sort", isSorted ? `${next.sort.direction}ending` : null);
        const arrow = head.querySelector("[aria-hidden]");
        if (arrow) say(arrow, isSorted ? (next.sort.direction === "desc" ? " ↓" : " ↑") : "");
      }
      draw();
    },
  };
};

const dayWords = (at) => {
  const today = dayKey(now(), zone());
  const key = dayKey(at, zone());
  const yesterday = dayKey(now() - 86_400_000, zone());
  return `${dayName(at, zone(), true)}${key === today ? ", today" : key === yesterday ? ", yesterday" : ""}`;
};

const updateFold = (node, { fold }, isOpen) => {
  const [status, names, start, , took] = node.children;
  fill(status.firstElementChild, mark("success"), `${fold.length} quiet`);
  const button = names.firstElementChild;
  say(button.firstElementChild, namesOf(fold));
  set(button, "aria-expanded", String(isOpen));
  set(button, "title", isOpen ? "Fold again" : "Show them");
  const [last, first] = [timeOf(fold[0]), timeOf(fold.at(-1))];
  say(start, `${hourMinute(first, zone())}–${hourMinute(last, zone())}`);
  say(took, "");
};

const comparison = (ratio, outcome) => {
  if (!(ratio >= 0)) return null;
  const colour = outcome === "running" ? "f-now" : isFailure(outcome) ? "f-bad" : outcome === "stopped" ? "f-warn" : "f-idle";
  const text = ratio >= 10 ? `${Math.round(ratio)}×` : `${ratio.toFixed(1)}×`;
  return svg("svg.chart", { width: 92, height: 10, viewBox: "0 0 92 10", "aria-hidden": "true" },
    ratio > 3 && svg("text", { x: 62, y: 8 }, text),
    svg("rect", { class: colour, x: 0, y: 3, width: Math.max(1, Math.min(3, ratio) * UNIT), height: 3 }),
    svg("path.g-axis", { d: `M${UNIT} 0V9` }));
};

