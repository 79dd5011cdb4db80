// The form of a task that takes parameters: what is chosen starts a run.

import { ofTask, post } from "../api.js";
import { el, say, set } from "../dom.js";
import { icon } from "../marks.js";
import { beginning, faultsOf, valueWords } from "../params.js";
import { action } from "./action.js";
import { openDialog } from "./dialog.js";

let forms = 0;

/** Resolves with the run that was started, or null. `given` are the values of an older run. */
export const runForm = ({ task, given }) => openDialog({
  label: `Run ${task.name}`,
  className: "dialog-form",
  build: (close) => {
    forms += 1;
    const values = beginning(task.parameters, given);
    const fields = task.parameters.map((parameter, place) => field(parameter, values[parameter.key], `param-${forms}-${place}`));
    const wrong = el("p.form-wrong", { role: "alert" });
    const start = async () => {
      try {
        close(await post(ofTask(task.name, "/run"), { params: Object.fromEntries(fields.map(({ key, value }) => [key, value()])) }));
      } catch (error) {
        const faults = faultsOf(error, fields.map(({ key }) => key));
        say(wrong, faults[""] ?? "");
        for (const one of fields) one.complain(faults[one.key] ?? "");
        fields.find(({ key }) => faults[key])?.control.focus();
      }
    };
    return el("form", { novalidate: true, onsubmit: (event) => event.preventDefault() },
      el("h2", `Run ${task.name}`), el("div.params", fields.map(({ element }) => element)),
      el("div.dialog-actions", wrong,
        el("button", { type: "button", class: "button button-bare", onclick: () => close() }, "Cancel"),
        action({ name: "Run Now", busy: "Starting", glyph: "play", className: "button-main", refused: "", act: start })));
  },
});

const field = (parameter, value, id) => {
  const { key, kind, description, choices = [], allow_custom: isOpen } = parameter;
  const make = kind === "flag" ? flag : choices.length && !isOpen ? choice : text;
  const { control, beside, around, read } = make(parameter, value, id);
  const wrong = el("p.form-wrong");
  set(control, "id", id);
  set(control, "aria-describedby", `${id}-about`);
  const name = el("label.mono", { for: id }, key);
  return {
    key, control, value: read,
    complain(message) {
      say(wrong, message);
      set(control, "aria-invalid", Boolean(message));
    },
    element: el("div.param",
      around ? [name, around, beside || el("span.quiet.param-beside", parameter.required && "required")] : el("div.form-check", control, name),
      el("div", { id: `${id}-about` }, description && el("p", description), wrong)),
  };
};

const flag = (_, value) => {
  const control = el("input", { type: "checkbox", checked: value === "true" });
  return { control, read: () => String(control.checked) };
};

const choice = ({ required, choices }, value) => {
  const options = required && value !== null ? choices : [null, ...choices];
  const control = el("select", { "aria-required": String(required) }, options.map((one, place) =>
    el("option", { value: place }, one === null && required ? "choose" : valueWords(one))));
  control.selectedIndex = Math.max(0, options.indexOf(value));
  return { control, around: el("span.select", control, icon("chevron")), read: () => options[control.selectedIndex] };
};

const text = ({ required, type, choices = [] }, value, id) => {
  const isNumber = type === "number";
  const control = el("input", {
    type: "text", value: value ?? "", autocomplete: "off", spellcheck: "false", "aria-required": String(required),
    inputmode: isNumber && "decimal", list: choices.length && `${id}-list`,
  });
  const out = el("input", { type: "checkbox", checked: value === null });
  const hint = () => set(control, "placeholder", required ? null : valueWords(out.checked ? null : ""));
  out.addEventListener("change", () => {
    if (out.checked) control.value = "";
    hint();
  });
  control.addEventListener("input", () => {
    // There is an empty text, but no empty number.
    out.checked = !control.value && (isNumber || out.checked);
    hint();
  });
  hint();
  return {
    control,
    beside: !required && el("label.form-check.quiet.param-beside", out, "leave out"),
    around: el("span.field", control, choices.length > 0 && el("datalist", { id: `${id}-list` }, choices.map((one) => el("option", { value: one })))),
    read: () => ((required ? !control.value : out.checked) ? null : control.value),
  };
};
