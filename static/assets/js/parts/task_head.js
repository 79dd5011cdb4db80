// The head of a task: what it is, when it runs, and what can be done with it.

import { mutedUntil, untilWords } from "../alerts.js";
import { ofTask, post } from "../api.js";
import { age, now, schedulerZone, setDue, zone } from "../clock.js";
import { el, fill } from "../dom.js";
import { millis } from "../format.js";
import { badge, icon } from "../marks.js";
import { countOf, missing, nextWord, policyOf } from "../task_state.js";
import { action } from "./action.js";
import { confirm } from "./dialog.js";
import { done } from "./toast.js";

/** `onRun(run)` hears of a run that was started here; `onSearch` opens the search of the logs. */
export const taskHead = ({ name, onRun, onSearch }) => {
  const line = el("p.task-line");
  const about = el("p.task-line");
  const actions = el("div.actions");
  const element = el("header.task-head", el("div.task-title", el("h1", name), about, line), actions);
  let drawn = "";

  const send = (verb) => post(ofTask(name, `/${verb}`));
  const tell = async (verb) => done(`${name}: ${(await send(verb)).message}`);

  const run = (entry) => {
    const { task, live } = entry;
    const isFull = live.filter(({ status }) => status === "running").length >= task.parallelism;
    if (!task.api_trigger) return blocked("Run Now", "locked by api_trigger = false");
    if (isFull && task.on_overlap === "skip") return blocked("Run Now", task.parallelism === 1 ? "already running, one at a time" : `${task.parallelism} of ${task.parallelism} already running`);
    const label = !isFull ? "Run Now" : task.on_overlap === "queue" ? "Queue run" : "Replace run";
    return action({
      name: label, busy: "Starting", glyph: "play", className: "button-main", refused: `${name} was not started`,
      act: async () => onRun(await send("run")),
    });
  };

  const blocked = (label, reason) => [el("span.quiet.reason", reason), el("button.button", { disabled: true, title: reason }, label)];

  const asked = (title, text, verb, label, busy, glyph) =>
    action({
      name: label, busy, glyph, refused: `${name}: not done`,
      act: async () => (await confirm({ title, text, action: label })) && tell(verb),
    });

  const service = ({ task }) => {
    if (!task.api_trigger) return blocked("Restart", "locked by api_trigger = false");
    const all = task.instances === 1 ? "It" : `All ${task.instances} instances`;
    if (task.stopped) return action({ name: "Start", busy: "Starting", glyph: "play", className: "button-main", refused: `${name} was not started`, act: () => tell("start") });
    return [
      asked(`Stop ${name}?`, `${all} will be stopped and not started again, until you start it or the daemon restarts.`, "stop", "Stop", "Stopping", "stop"),
      asked(`Restart ${name}?`, `${all} will be stopped and started again.`, "restart", "Restart", "Restarting", "reload"),
    ];
  };

  const pause = ({ task }) => {
    if (!task.cron || !task.api_trigger) return null;
    const verb = task.paused ? "resume" : "pause";
    return action({
      name: task.paused ? "Resume schedule" : "Pause schedule", busy: task.paused ? "Resuming" : "Pausing", className: "button-bare",
      refused: `The schedule of ${name} was not changed`, act: () => tell(verb),
    });
  };

  const mute = (until) => until
    ? action({
      name: "Unmute alerts", busy: "Unmuting", className: "button-bare", refused: `${name}: still muted`,
      act: async () => {
        await send("unmute");
        done(`${name}: alerts are sent again`);
      },
    })
    : action({
      name: "Mute alerts until tomorrow", busy: "Muting", className: "button-bare", refused: `${name}: not muted`,
      title: "Its runs go on and are shown; nobody is told of them until 08:00 of the next day",
      act: async () => {
        const { muted_until: at } = await send("mute");
        done(`${name}: alerts muted ${untilWords(millis(at), now(), zone())}`);
      },
    });

  return {
    element,
    update(entry) {
      const { task, live } = entry;
      const down = missing(entry);
      const until = mutedUntil(task, now());
      const key = JSON.stringify([task, down, live.map(({ status }) => status), until && untilWords(until, now(), zone())]);
      if (key === drawn) return;
      drawn = key;
      fill(about, task.description && el("span", task.description));
      const fixed = nextWord(task);
      const next = age(0);
      if (!fixed) setDue(next, millis(task.next_run_at));
      const inZone = task.cron ? el("span.mono.quiet", task.timezone ?? schedulerZone()) : null;
      fill(line,
        task.cron && el("span.mono", task.cron), inZone,
        task.kind === "service" && el("span.mono", task.instances === 1 ? "one instance" : `${task.instances} instances`),
        down > 0 && badge("partial", `${countOf(entry)} up`),
        task.paused ? el("span.tag.tag-warn", "schedule paused") : task.stopped ? el("span.tag.tag-warn", "stopped") : null,
        !task.paused && !task.stopped && task.kind === "task" && (fixed ? el("span", fixed) : el("span", "next ", next)),
        until && el("span.task-muted", icon("mute"), `alerts muted ${untilWords(until, now(), zone())}`),
        el("span.quiet.only-wide", policyOf(task)));
      fill(actions,
        el("button.button.button-bare", { onclick: onSearch, title: "Ctrl+K" }, "Search logs"),
        mute(until),
        ...[task.kind === "service" ? service(entry) : [pause(entry), run(entry)]].flat(2));
    },
    /** A task that is not in the configuration any more. */
    gone() {
      fill(about, el("span", "This task is no longer in the configuration. Its history is kept as long as retention allows."));
      fill(line);
      fill(actions, el("button.button.button-bare", { onclick: onSearch }, "Search logs"));
    },
  };
};
