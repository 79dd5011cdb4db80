// The panels at the side of the overview: what comes next, what runs, what ended, which daemon.

import { age, now, schedulerZone, setAge, setSince, since, zone } from "../clock.js";
import { el, fill, reconcile, say, set } from "../dom.js";
import { dayKey, hourMinute, millis, dayName } from "../format.js";
import { hidden, mark, outcomeOf, setMark, word } from "../marks.js";
import { runPath, taskPath } from "../router.js";
import { timeOf } from "../task_state.js";

const NEXT = 5;
const RUNNING = 5;
const RECENT = 6;

const panel = (title, more) => {
  const list = el("ul");
  const head = el("h2.section-head", title, more);
  return { list, head, element: el("section", head, list) };
};

const nothing = (text) => el("li.brief-none", text);

const dayAndTime = (at) =>
  dayKey(at, zone()) === dayKey(now(), zone()) ? hourMinute(at, zone()) : `${dayName(at, zone())} ${hourMinute(at, zone())}`;

/** The coming ticks, from an answer of `/api/upcoming`. */
export const upNext = () => {
  const { list, element } = panel("Up next");
  let items = [];
  let total = 0;
  const draw = () => {
    const coming = items.filter(({ at }) => millis(at) > now()).slice(0, NEXT);
    const rest = Math.max(0, total - coming.length);
    fill(list,
      coming.map(({ task_name: name, at }) => el("li.brief-row",
        el("span", dayAndTime(millis(at))), el("a", { href: taskPath(name), title: name }, name), age(millis(at), "when"))),
      !coming.length && nothing("Nothing is scheduled in the next hours"),
      coming.length > 0 && rest > 0 && el("li.brief-none", el("a", { href: "/timeline" }, `+${rest} more in the next hours`)));
  };
  return {
    element,
    draw,
    update(upcoming) {
      items = upcoming.items;
      total = upcoming.buckets.reduce((sum, { count }) => sum + count, 0);
      draw();
    },
    /** When the first of them passes; NaN for none. */
    nextAt: () => millis(items.find(({ at }) => millis(at) > now())?.at),
  };
};

const runLink = (run) => el("a", { href: runPath(run.task_name, run.id), title: run.task_name }, run.task_name,
  run.replica_index > 0 && el("span.quiet", ` #${run.replica_index}`));

/** Runs of tasks that are under way: services always are. */
export const runningNow = ({ store }) => {
  const { list, element } = panel("Running now");
  return {
    element,
    update() {
      const runs = [...store.active.values()].filter(({ task_name: name }) => store.tasks.get(name)?.kind !== "service");
      runs.sort((a, b) => timeOf(a) - timeOf(b));
      element.hidden = !runs.length;
      const shown = runs.slice(0, RUNNING);
      reconcile(list, runs.length > RUNNING ? [...shown, null] : shown, (run) => run?.id ?? "more",
        (run) => (run ? el("li.brief-row", mark(run.status), runLink(run), since(timeOf(run), "when")) : nothing("")),
        (node, run) => {
          if (!run) return say(node, `+${runs.length - RUNNING} more`);
          setMark(node.firstElementChild, run.status);
          if (run.status === "running") setSince(node.lastElementChild, timeOf(run));
          else {
            set(node.lastElementChild, "data-since", null);
            say(node.lastElementChild, "waiting");
          }
        });
    },
  };
};

/** The newest ended runs. */
export const recentActivity = ({ store }) => {
  const { list, element } = panel("Recent activity", el("a.more", { href: "/runs" }, "all runs"));
  return {
    element,
    update() {
      const ended = store.recent.filter(({ status }) => status === "ended")
        .sort((a, b) => millis(b.end_at) - millis(a.end_at)).slice(0, RECENT);
      reconcile(list, ended.length ? ended : [null], (run) => run?.id ?? "none",
        (run) => (run
          ? el("li.brief-row", mark(outcomeOf(run)), el("span", { title: word(outcomeOf(run)) }, runLink(run), hidden(`, ${word(outcomeOf(run))}`)), age(millis(run.end_at), "when"))
          : nothing("No runs yet")),
        (node, run) => run && setAge(node.lastElementChild, millis(run.end_at)));
    },
  };
};

/** Which daemon this is. */
export const daemonPanel = ({ store }) => {
  const facts = el("dl.facts");
  const element = el("section", el("h2.section-head", "Daemon"), facts);
  let drawn = null;
  return {
    element,
    update() {
      const { info, system } = store;
      if (!info || !system || drawn === info) return;
      drawn = info;
      const rows = [
        ["host", `${system.host} · ${system.os} ${system.arch}`],
        ["uptime", since(millis(info.started_at))],
        ["version", info.version],
        ["instance", info.fingerprint],
        ["zone", schedulerZone()],
        ["config", info.config_path],
        ["data", info.data_dir],
      ];
      fill(facts, rows.map(([name, value]) => [el("dt", name), el("dd", { title: typeof value === "string" ? value : null }, value)]));
    },
  };
};
