// The head of a task: what it is, when it runs, and what can be done with it.

import { mutedUntil, untilWords } from "../alerts.js";
import { ofTask, post } from "../api.js";
import { age, now, schedulerZone, setDue, zone } from "../clock.js";
import { schedule } from "../cron_words.js";
import { el, fill } from "../dom.js";
import { duration, millis } from "../format.js";
import { badge, icon } from "../marks.js";
import { taskPath } from "../router.js";
import { countOf, missing, nextWord, policyOf } from "../task_state.js";
import { action } from "./action.js";
import { confirm } from "./dialog.js";
import { fact } from "./facts.js";
import { runForm } from "./run_form.js";
import { done } from "./toast.js";
import { whyButton } from "./why.js";

/** `onRun(run)` hears of a run that was started here; `onSearch` opens the search of the logs. */
export const taskHead = ({ name, onRun, onSearch }) => {
  const line = el("p.task-line");
  const about = el("p.task-line");
  const facts = el("dl.task-facts");
  const actions = el("div.actions");
  const element = el("header.task-head", el("div.task-title", el("h1", name), about, line, facts), actions);
  let drawn = "";
  let shown = null;

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
      act: async () => {
        // The form is busy by itself.
        if (task.parameters) runForm({ task }).then((made) => made && onRun(made));
        else onRun(await send("run"));
      },
    });
  };

  const blocked = (label, reason) => [el("span.quiet.reason", reason), el("button.button", { disabled: true, title: reason }, label)];

  const asked = (title, text, verb, label, busy, glyph) =>
    action({
      name: label, busy, glyph, refused: `${name}: not done`,
      act: async () => (await confirm({ title, text, action: label })) && tell(verb),
    });

  const service = ({ task, live }) => {
    if (!task.api_trigger) return blocked("Restart", "locked by api_trigger = false");
    const all = task.instances === 1 ? "It" : `All ${task.instances} instances`;
    const start = (task.stopped || task.fatal) && action({ name: "Start", busy: "Starting", glyph: "play", className: "button-main", refused: `${name} was not started`, act: () => tell("start") });
    if (start && !live.length) return start;
    return [
      start,
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

  const factsOf = (task) => [
    task.source && fact(task.source === "cron" ? "crontab" : "from", task.source_file),
    task.user && fact("as", task.user),
    task.jitter && fact("jitter", el("span", { title: "Each tick waits a part of this, always the same" }, `up to ${duration(task.jitter / 1e6)}`)),
    task.health_check && fact("health", el("span.clip", { title: task.health_check.kind }, task.health_check.target), ` ${schedule(task.health_check.schedule) ?? task.health_check.schedule}`),
    task.depends_on && fact("after", task.depends_on.map((other, place) => [place > 0 && ", ", el("a.prose-link", { href: taskPath(other) }, other)])),
    Boolean(task.priority) && fact("priority", task.priority),
    task.autostart === false && fact("autostart", "off"),
  ];

  const tag = (text, title) => el("span.tag.tag-warn", { title }, text);
  const stand = (task) =>
    task.held_by ? [tag("held by cron"), el("span", "cron is alive on this host and runs it; it starts here once cron is gone")]
      : task.fatal ? tag("gave up", "An instance failed to start too often; it stays down until you start it")
        : task.paused ? tag("schedule paused") : task.stopped ? tag("stopped") : null;

  return {
    element,
    /** By a key, which is pressed by mistake more often than a button: asks first. */
    async run() {
      const button = actions.querySelector(".button-main");
      if (!button || shown?.task.kind !== "task") return;
      if (shown.task.parameters || (await confirm({ title: `Run ${name}?`, text: shown.task.description, action: "Run Now", isDanger: false }))) button.click();
    },
    update(entry) {
      shown = entry;
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
        down > 0 && badge(task.fatal ? "fatal" : "partial", `${countOf(entry)} up`),
        stand(task),
        !task.paused && !task.stopped && !task.held_by && task.kind === "task" && (fixed ? el("span", fixed) : el("span", "next ", next)),
        task.cron && whyButton({ task }),
        until && el("span.task-muted", icon("mute"), `alerts muted ${untilWords(until, now(), zone())}`),
        el("span.quiet.only-wide", policyOf(task)));
      fill(facts, factsOf(task));
      fill(actions,
        el("button.button.button-bare", { onclick: onSearch, title: "Ctrl+K" }, "Search logs"),
        mute(until),
        ...[task.kind === "service" ? service(entry) : [pause(entry), run(entry)]].flat(2));
    },
    /** A task that is not in the configuration any more. */
    gone() {
      fill(about, el("span", "This task is no longer in the configuration. Its history is kept as long as retention allows."));
      fill(line);
      fill(facts);
      fill(actions, el("button.button.button-bare", { onclick: onSearch }, "Search logs"));
    },
  };
};
