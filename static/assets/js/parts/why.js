// Why a task ran at a moment, or did not: the daemon's sentence, and what it stands on.

import { get, ofTask } from "../api.js";
import { schedulerZone } from "../clock.js";
import { el, fill } from "../dom.js";
import { absolute, instantOf, millis } from "../format.js";
import { runPath } from "../router.js";
import { openDialog } from "./dialog.js";

/** Asks about the last tick, or about an instant. */
export const whyButton = (about) => el("button.link.why", { title: `Why did ${about.task.name} run, or not?`, onclick: () => why(about) }, "why?");

// Times are in the zone of the task, as in the sentence.
const why = ({ task, at }) => openDialog({
  label: `Why did ${task.name} run, or not?`,
  className: "dialog-wide",
  build: (close) => {
    const own = task.timezone ?? schedulerZone();
    const moment = el("input", { type: "datetime-local", step: 1, required: true });
    const box = el("div", { role: "status", "aria-live": "polite" });
    const link = (id) => el("a.prose-link", { href: runPath(task.name, id), onclick: () => close(), title: id }, `…${id.slice(-6)}`);
    // Runs have their ids in the sentence.
    const linked = (text) => text.split(/\b([0-9A-Z]{26})\b/).map((part, place) => (place % 2 ? link(part) : part));

    const ask = async (about) => {
      try {
        const found = await get(ofTask(task.name, "/why"), { at: about && new Date(about).toISOString() });
        moment.value = absolute(millis(found.at), own).replace(" ", "T");
        fill(box, el("p.why-answer", linked(found.answer)), found.evidence.length > 0 && el("ul.changes", { tabindex: 0 },
          found.evidence.map(({ at: when, text, run_id: run, other_run_id: other }) => el("li",
            el("time.quiet", { datetime: when }, absolute(millis(when), own)), el("span", text, run && [" ", link(run)], other && [" ", link(other)])))));
      } catch (error) {
        fill(box, el("p.form-wrong", error.message));
      }
    };
    ask(at);
    return [
      el("h2", `Why did ${task.name} run, or not?`), box,
      el("form.why-form", { onsubmit: (event) => { event.preventDefault(); ask(instantOf(moment.value, own)); } },
        el("label.form-row", el("span", `At, in ${own}`), el("span.field", moment)), el("button.button", "Ask")),
      el("div.dialog-actions", el("button.button.button-bare", { onclick: () => close(), autofocus: true }, "Close")),
    ];
  },
});
