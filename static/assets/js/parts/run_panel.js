// One run: its verdict, why it failed, its facts, and its log.

import { ofRun, post } from "../api.js";
import { exact, setSince, zone } from "../clock.js";
import { el, fill, say } from "../dom.js";
import { absolute, clock, dayKey, duration, millis, zoneName } from "../format.js";
import { badge, icon, isFailure, outcomeOf } from "../marks.js";
import { valueWords } from "../params.js";
import { runPath, taskPath } from "../router.js";
import { endWords, tookOf, usedOf } from "../task_state.js";
import { action } from "./action.js";
import { copy, copyButton } from "./copy.js";
import { confirm } from "./dialog.js";
import { fact } from "./facts.js";
import { definition, machine } from "./folded.js";
import { logView } from "./log_view.js";
import { deleteRuns } from "./selection.js";
import { done } from "./toast.js";
import { whyButton } from "./why.js";

/** Waiting for a slot is worth telling when it took longer than this. */
const NOTABLE = 1000;

/** `failed, exit 1 after 3m 4s`; pure. */
export const verdictOf = (run) => {
  if (run.status === "pending") return "pending, waits for a slot";
  if (run.status === "running") return "running";
  const took = run.start_at ? tookOf(run, 0) : NaN;
  return took >= 0 ? `${endWords(run)} after ${duration(took)}` : endWords(run);
};

/**
 * `attempts()` is the most attempts that a firing of the task gets, 0 if nobody knows; `task()` its
 * settings, while it is configured; `onAgain()` asks for values and starts it with them.
 */
export const runPanel = ({ run: first, line, attempts, onLine, task, onAgain }) => {
  let run = first;
  let isStopping = false;
  const verdict = el("span");
  const actions = el("div.actions");
  const cause = el("div");
  const facts = el("dl.run-facts");
  const given = el("dl.run-given", Object.entries(run.params ?? {}).map(([key, value]) =>
    fact(key, el(value ? "span.clip" : "i", { title: value }, valueWords(value)))));
  const reason = el("span");
  const around = el("div.run-around", reason, definition(run));
  const log = logView({
    run, line,
    onLine: (n) => {
      onLine(n);
      copy(location.origin + runPath(run.task_name, run.id, n), `the link to line ${n + 1}`);
    },
  });
  const element = el("section.run-panel", { "aria-label": "Selected run" },
    el("header.run-head",
      el("a.run-back.only-phone", { href: taskPath(run.task_name) }, icon("back"), `${run.task_name}, all runs`),
      el("div.run-verdict", el("h2", verdict), actions), cause, facts, given, around),
    log.element);

  const drawVerdict = () => {
    const outcome = outcomeOf(run);
    if (run.status === "running") {
      const time = el("span");
      setSince(time, millis(run.start_at));
      fill(verdict, badge(outcome, ["running for ", time]));
    } else fill(verdict, badge(outcome, verdictOf(run)));
  };

  const drawCause = () => {
    const error = log.lastError();
    if (run.message) return fill(cause, el("p", { class: `run-cause${isFailure(outcomeOf(run)) ? "" : " run-cause-calm"}` }, el("q", run.message)));
    if (!error || !isFailure(outcomeOf(run))) return fill(cause);
    fill(cause, el("p.run-cause", el("q", { title: error.text }, error.text), el("a", { href: runPath(run.task_name, run.id, error.n) }, `line ${error.n + 1}`)));
  };

  const drawFacts = () => {
    const [created, started, ended] = [millis(run.created_at), millis(run.start_at), millis(run.end_at)];
    const from = started || created;
    const isSameDay = ended && dayKey(from, zone()) === dayKey(ended, zone());
    const waited = started - created;
    const id = el("span", { title: run.id }, `${run.id.slice(0, 12)}…${run.id.slice(-4)}`);
    const total = attempts ? attempts() : 0;
    fill(facts,
      fact(started ? "started" : "created", el("span", { title: exact(from) }, absolute(from, zone()))),
      ended ? fact("ended", `${isSameDay ? clock(ended, zone()) : absolute(ended, zone())} ${zoneName(ended, zone())}`) : null,
      fact("by", run.triggered_by),
      run.replica_index > 0 && fact("instance", `#${run.replica_index}`),
      (run.retry_attempt > 0 || (total > 1 && isFailure(outcomeOf(run)))) && fact("attempt", total > 1 ? `${run.retry_attempt + 1} of ${total}` : String(run.retry_attempt + 1)),
      waited > NOTABLE && fact("waited", duration(waited)),
      usedOf(run).map((pair) => fact(...pair)),
      fact("id", id, " ", copyButton(run.id, "run id", id)));
  };

  const stop = async () => {
    const isService = attempts === null;
    const text = isService ? "The supervisor starts this instance again." : "Its processes get the stop signal, and are killed after the grace time.";
    if (!(await confirm({ title: `Stop this run of ${run.task_name}?`, text, action: "Stop" }))) return;
    isStopping = true;
    try {
      await post(ofRun(run, "/stop"));
    } catch (error) {
      isStopping = false;
      // It has just ended by itself: the row shows it.
      if (error.status !== 409) throw error;
      done("The run had already ended");
    }
    drawActions();
  };

  const drawActions = () => fill(actions,
    run.params && task()?.parameters && task().api_trigger &&
      action({ name: "Run again", busy: "Starting", glyph: "reload", refused: `${run.task_name} was not started`, act: onAgain }),
    run.status === "ended"
      ? action({ name: "Delete", busy: "Deleting", className: "button-bare", refused: "Not deleted", act: () => deleteRuns({ ids: [run.id] }, "1 run and its log") })
      : isStopping
        ? el("button.button", { disabled: true }, "Stopping")
        : action({ name: "Stop", busy: "Stopping", glyph: "stop", className: "button-danger", refused: "Not stopped", act: stop }));

  const draw = () => {
    drawVerdict();
    drawCause();
    drawFacts();
    if (task()?.kind === "task" && !reason.firstChild) fill(reason, whyButton({ task: task(), at: millis(run.created_at) }));
    if (run.start_at && isFailure(outcomeOf(run)) && !around.children[2]) around.append(machine(run));
  };
  log.onChange(drawCause);
  draw();
  drawActions();

  return {
    element,
    log,
    get run() { return run; },
    update(next) {
      const wasOpen = run.status !== "ended";
      run = next;
      draw();
      if (wasOpen && run.status === "ended") {
        isStopping = false;
        drawActions();
      }
      log.update(run);
    },
    /** The zone is another one, or the settings of the task are known now. */
    redraw() {
      draw();
      drawActions();
    },
    /** The run has been deleted while it was looked at. */
    vanish() {
      fill(actions);
      say(verdict, "This run was deleted");
      fill(cause);
      fill(around);
    },
    end: () => log.destroy(),
  };
};

