// The instances of a service, a line for each.

import { age, now, since } from "../clock.js";
import { el, fill } from "../dom.js";
import { millis } from "../format.js";
import { badge, outcomeOf } from "../marks.js";
import { runPath } from "../router.js";
import { endWords } from "../task_state.js";

const DAY = 86_400_000;

/** `runs` are the newest of the service, `isAll` says that there are no older ones. */
export const instances = () => {
  const list = el("ul.instances", { "aria-label": "Instances" });
  let drawn = "";
  return {
    element: list,
    update({ task, live }, runs, isAll) {
      const today = runs.filter((run) => now() - millis(run.created_at) < DAY);
      const isCut = !isAll && today.length === runs.length;
      const rows = Array.from({ length: task.instances }, (_, index) => {
        const current = live.find((run) => run.replica_index === index);
        const ended = today.filter((run) => run.replica_index === index && run.status === "ended");
        return { index, current, last: runs.find((run) => run.replica_index === index && run.status === "ended"), ends: ended.length };
      });
      const key = JSON.stringify([task.name, task.stopped, isCut, rows.map(({ current, last, ends }) => [current?.id, current?.status, last?.id, ends])]);
      if (key === drawn) return;
      drawn = key;
      fill(list, rows.map(({ index, current, last, ends }) => {
        const state = current ? badge(current.status) : last ? badge(outcomeOf(last), endWords(last)) : badge("idle", "not started");
        const shown = current ?? last;
        const time = current?.start_at ? since(millis(current.start_at)) : last && !current ? age(millis(last.end_at)) : null;
        return el("li", el(shown ? "a" : "span", { class: "instance", href: shown && runPath(task.name, shown.id) },
          el("span.quiet", `#${index}`), state, time, el("span.quiet.num", { title: "in the last 24 hours" }, task.stopped ? "stopped" : `restarts ${ends}${isCut ? "+" : ""}`)));
      }));
    },
  };
};
