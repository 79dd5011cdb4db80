// The instances of a service, a line for each.

import { age, now, since } from "../clock.js";
import { el, fill } from "../dom.js";
import { millis } from "../format.js";
import { badge } from "../marks.js";
import { runPath } from "../router.js";
import { endWords, instanceOf } from "../task_state.js";

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
        const ended = runs.filter((run) => run.replica_index === index && run.status === "ended");
        const { failed_starts: failed = 0, ...replica } = task.replicas?.[index] ?? {};
        const ends = ended.filter((run) => today.includes(run)).length;
        return { index, current, last: ended[0], ends, failed, ...instanceOf(replica.state && replica, current, ended[0]) };
      });
      const key = JSON.stringify([task.name, isCut, rows.map(({ current, last, ends, failed, text }) => [current?.id, last?.id, ends, failed, text])]);
      if (key === drawn) return;
      drawn = key;
      fill(list, rows.map(({ index, current, last, ends, failed, outcome, text }) => {
        const shown = current ?? last;
        const time = current?.start_at ? since(millis(current.start_at)) : last && !current ? age(millis(last.end_at)) : el("span");
        const restarts = `restarts ${ends}${isCut ? "+" : ""}`;
        return el("li", el(shown ? "a" : "span", { class: "instance", href: shown && runPath(task.name, shown.id), title: last && !current ? endWords(last) : null },
          el("span.quiet", `#${index}`), badge(outcome, text), time,
          failed ? el("span.num.instance-failed", { title: `${restarts} in the last 24 hours` }, `failed starts ${failed}`)
            : el("span.quiet.num", { title: "in the last 24 hours" }, restarts)));
      }));
    },
  };
};
