// Filters of the run list: chips that can be dropped, the popover that sets them, and segments
// for what is asked most.

import { el, fill, say, set } from "../dom.js";
import { BUCKETS, chips, exitRange, REASONS, TRIGGERS } from "../filters.js";
import { grouped } from "../format.js";
import { icon, word } from "../marks.js";
import { popover } from "./dialog.js";

const SEGMENTS = ["", "running", "failed", "skipped", "stopped"];

/** `onChange(filter)` hears each new filter; `tools` go between chips and segments. */
export const filterBar = ({ store, onChange, tools = [] }) => {
  let filter = {};
  const apply = (changed) => onChange({ ...filter, ...changed });

  const list = el("span.chips");
  const number = el("span.count");
  const button = el("button.button.button-bare", icon("plus"), "Filter", number);
  popover(button, { label: "Filter runs", className: "filter-panel", build: (close) => form({ store, filter, apply, close }) });
  const segments = el("div.segments", { role: "group", "aria-label": "Status" }, SEGMENTS.map((name) =>
    el("button.segment", { "data-status": name, onclick: () => apply({ status: name }) }, name || "all", el("span.count"))));
  const element = el("div.filters", list, button, el("span.spacer"), tools, segments);

  return {
    element,
    update(next) {
      filter = next;
      const isSegment = SEGMENTS.includes(filter.status ?? "");
      const shown = chips(filter, { withStatus: !isSegment });
      fill(list, shown.map(({ field, key, value }) => el("span.chip",
        el("span.chip-key", key), el("span.chip-value", value),
        el("button.chip-drop", { "aria-label": `Remove filter ${key} ${value}`, onclick: () => apply({ [field]: "" }) }, icon("close")))));
      say(number, shown.length ? String(shown.length) : "");
      for (const node of segments.children) set(node, "aria-pressed", String(node.dataset.status === (filter.status ?? "")));
    },
    /** How many runs each segment has, by its name; "" is all. */
    count(counts) {
      for (const node of segments.children) say(node.lastElementChild, counts[node.dataset.status] === undefined || !node.dataset.status ? "" : ` ${grouped(counts[node.dataset.status])}`);
    },
    segments: SEGMENTS,
  };
};

const choice = (name, values, chosen, onchange) =>
  el("label.form-row", el("span", name), el("span.select",
    el("select", { onchange: ({ target }) => onchange(target.value) }, values.map(([value, text]) => el("option", { value, ...(value === (chosen ?? "") && { selected: true }) }, text))), icon("chevron")));

const input = (name, type, value, onchange, extra = {}) =>
  el("label.form-row", el("span", name), el("span.field", el("input", { type, value: value ?? "", onchange: ({ target }) => onchange(target), ...extra })));

const form = ({ store, filter, apply, close }) => {
  // The popover outlives what is chosen in it.
  const current = { ...filter };
  const change = (part) => apply(Object.assign(current, part));
  const chosen = () => new Set((current.status ?? "").split(",").filter(Boolean));
  const box = (name, text) => el("label.form-check",
    el("input", {
      type: "checkbox", checked: chosen().has(name), onchange: ({ target }) => {
        const wanted = chosen();
        if (target.checked) wanted.add(name);
        else wanted.delete(name);
        change({ status: [...wanted].join(",") });
      },
    }), text);
  const wrong = el("p.form-wrong", { role: "alert" });
  const exit = (target) => {
    const isWrong = Boolean(target.value.trim()) && !exitRange(target.value);
    target.parentNode.classList.toggle("field-wrong", isWrong);
    say(wrong, isWrong ? "Exit code: a number, >100 or >100 <150" : "");
    if (!isWrong) change({ exit: target.value.trim() });
  };
  const names = [...store.tasks.keys()].sort();
  return el("form.filter-form", { onsubmit: (event) => { event.preventDefault(); close(); } },
    el("fieldset", el("legend", "Status"), Object.keys(BUCKETS).map((name) => box(name, name))),
    el("details", { open: REASONS.some((name) => !BUCKETS[name] && chosen().has(name)) }, el("summary", "Advanced"),
      el("fieldset", el("legend.visually-hidden", "Exact outcome"), REASONS.filter((name) => !BUCKETS[name]).map((name) => box(name, word(name))))),
    choice("Task", [["", "any"], ...names.map((name) => [name, name])], current.task, (task) => change({ task })),
    choice("Triggered by", [["", "anything"], ...TRIGGERS.map((name) => [name, name])], current.by, (by) => change({ by })),
    input("From", "date", current.from, ({ value }) => change({ from: value })),
    input("To", "date", current.to, ({ value }) => change({ to: value })),
    input("Exit code", "text", current.exit, exit, { placeholder: ">100 <150", spellcheck: "false" }), wrong,
    el("label.form-check", el("input", { type: "checkbox", checked: Boolean(current.retries), onchange: ({ target }) => change({ retries: target.checked ? "1" : "" }) }), "Retries only"),
    el("div.dialog-actions",
      el("button", { type: "button", class: "button button-bare", onclick: () => { onClear(apply); close(); } }, "Clear all"),
      el("button.button", "Done")));
};

const onClear = (apply) => apply({ status: "", task: "", by: "", from: "", to: "", exit: "", retries: "", q: "" });
