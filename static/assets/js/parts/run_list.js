// The runs of one task, newest first: a row for each, retries of one firing joined by a bracket,
// older ones with scrolling.

import { now, setSince, zone } from "../clock.js";
import { el, fill, reconcile, say, set } from "../dom.js";
import { dayKey, dayName, duration, hourMinute, millis } from "../format.js";
import { badge, outcomeOf } from "../marks.js";
import { runPath } from "../router.js";
import { timeOf, tookOf } from "../task_state.js";

/** `onMore()` is called when the end comes into sight. */
export const runList = ({ onMore }) => {
  const list = el("ul");
  const sentinel = el("div.sentinel", { "aria-hidden": "true" });
  const element = el("div.runs-scroll", list, sentinel);
  const observer = new IntersectionObserver(([entry]) => entry.isIntersecting && onMore(), { root: element, rootMargin: "300px" });
  observer.observe(sentinel);

  const create = ({ run }) =>
    el("li", el("a.run", { href: runPath(run.task_name, run.id), "data-run": run.id },
      el("span.run-date"), el("time"), el("span.run-outcome"), el("span.run-by"), el("span.num")));

  const update = (node, { run, day, isDay, chain, isSelected }) => {
    const link = node.firstElementChild;
    const [date, time, outcome, by, took] = link.children;
    link.className = `run${isDay ? " run-day" : ""}${chain ? ` run-chain${chain}` : ""}`;
    set(link, "aria-current", isSelected ? "true" : null);
    say(date, day);
    const at = timeOf(run);
    say(time, hourMinute(at, zone()));
    set(time, "datetime", new Date(at).toISOString());
    const name = outcomeOf(run);
    if (outcome.dataset.outcome !== name) {
      outcome.dataset.outcome = name;
      fill(outcome, badge(name));
    }
    const label = run.retry_attempt ? `retry ${run.retry_attempt}` : run.replica_index ? `#${run.replica_index}` : ["cron", "service"].includes(run.triggered_by) ? "" : run.triggered_by;
    say(by, label);
    by.className = run.retry_attempt ? "run-by tag" : "run-by quiet";
    if (run.status === "running") setSince(took, timeOf(run));
    else {
      set(took, "data-since", null);
      say(took, run.start_at ? duration(tookOf(run, now())) : "");
    }
  };

  return {
    element,
    /** Newest first, and the id of the one that is shown. */
    update(runs, selected) {
      const today = dayKey(now(), zone());
      let last = null;
      const items = runs.map((run, place) => {
        const key = dayKey(timeOf(run), zone());
        const isNew = key !== last;
        last = key;
        // A run is a retry of the row below, or retried by the row above.
        const below = run.retry_of_run_id !== undefined && runs[place + 1]?.id === run.retry_of_run_id;
        const above = place > 0 && runs[place - 1].retry_of_run_id === run.id;
        const chain = below ? (above ? " " : " run-chain-top") : above ? " run-chain-end" : "";
        const day = !isNew ? "" : key === today ? "Today" : dayName(millis(run.start_at ?? run.created_at), zone());
        return { run, day, isDay: isNew && place > 0, chain, isSelected: run.id === selected };
      });
      reconcile(list, items, ({ run }) => run.id, create, update);
    },
    /** Brings the row of the run that is shown into sight. */
    reveal: () => list.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" }),
    end: () => observer.disconnect(),
  };
};
