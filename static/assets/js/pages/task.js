// The page of a task or service: head, history in pictures, its runs, and the run that is
// looked at. The newest run is shown until somebody chooses one.

import { get, ofTask, Unreachable } from "../api.js";
import { now, onZone, zone } from "../clock.js";
import { durationChart } from "../charts/durations.js";
import { heatMap } from "../charts/heat.js";
import { el, fill } from "../dom.js";
import { dayKey } from "../format.js";
import { pageKeys } from "../keys.js";
import { instances } from "../parts/instances.js";
import { logSearch } from "../parts/log_search.js";
import { runForm } from "../parts/run_form.js";
import { runList } from "../parts/run_list.js";
import { runPanel } from "../parts/run_panel.js";
import { broken, empty, skeleton } from "../parts/states.js";
import { taskHead } from "../parts/task_head.js";
import { failed } from "../parts/toast.js";
import { go, here, lineOf, runPath, taskPath } from "../router.js";
import { all } from "../signal.js";
import { placeOf } from "../task_state.js";

const PAGE = 100;
const CHARTED = 100;

export const mount = (root, { store, name }) => {
  let runs = [];
  let isMore = false;
  let isRead = false;
  let panel = null;
  let search = null;
  let isOver = false;
  const narrow = matchMedia("(max-width: 43.75rem)");

  root.classList.add("main-fixed");
  const head = taskHead({ name, onRun: (run) => started(run), onSearch: () => (search ? closeSearch() : openSearch()) });
  const chart = durationChart({ onSelect: (id) => choose(id) });
  const heat = heatMap();
  const lines = instances();
  const list = runList({ onMore: () => more() });
  const runsPane = el("section.runs-pane", { "aria-label": "Runs" });
  const panelBox = el("div.panel-box");
  const history = el("div.history", chart.element, heat.element);

  const entry = () => store.entry(name);
  const isService = () => entry()?.task.kind === "service";
  const attempts = () => (isService() ? null : () => (entry()?.task.retry_attempts ?? 0) + 1);

  // ── Which run is shown ──

  const chosen = () => here().run;
  const selected = () => chosen() ?? runs[0]?.id ?? null;

  const choose = (id, { replace = false, line } = {}) => go(runPath(name, id, line), { replace });

  const started = (run) => {
    if (run.end_reason) failed(`${name} was not started`, run.message ?? `The run ended as ${run.end_reason.replaceAll("_", " ")}.`);
    choose(run.id);
  };

  const show = async () => {
    const id = selected();
    root.dataset.step = chosen() ? "run" : "list";
    list.update(runs, id);
    drawChart();
    // A phone shows one of the two.
    if (!id || (narrow.matches && !chosen())) return clear();
    const line = lineOf(location.hash);
    if (panel?.run.id === id) {
      if (line !== null) panel.log.goTo(line, { highlight: true });
      return;
    }
    let run = runs.find((known) => known.id === id);
    if (!run) {
      clear();
      fill(panelBox, skeleton(6));
      try {
        run = await get(ofTask(name, `/runs/${encodeURIComponent(id)}`));
      } catch (error) {
        if (isOver || selected() !== id) return;
        const isMissing = error.status === 404 || error.status === 422;
        return fill(panelBox, isMissing
          ? el("div.panel-note", empty("No such run", ["Retention or a person has deleted it, or the address is wrong. ", el("a.prose-link", { href: taskPath(name) }, "Newest run")]))
          : el("div.panel-note", broken(error, show)));
      }
      // Who has heard of it meanwhile knows more than the answer.
      if (isOver || selected() !== id || panel?.run.id === id) return;
    }
    clear();
    panel = runPanel({
      run, line, attempts: attempts(), onLine: (n) => mark(n), task: () => entry()?.task,
      onAgain: async () => { runForm({ task: entry().task, given: run.params }).then((made) => made && started(made)); },
    });
    fill(panelBox, panel.element);
    list.reveal();
  };

  const mark = (n) => {
    window.history.replaceState(null, "", runPath(name, panel.run.id, n));
    root.dataset.step = "run";
  };

  const clear = () => {
    panel?.end();
    panel = null;
    fill(panelBox, isRead && !runs.length && el("div.panel-note", empty("No runs yet", "Its output will be here.")));
  };

  const step = (by) => {
    const at = runs.findIndex(({ id }) => id === selected());
    const next = runs[Math.min(runs.length - 1, Math.max(0, at + by))];
    if (!next) return false;
    choose(next.id, { replace: true });
    list.reveal();
  };

  // ── What is shown of the task ──

  const drawChart = () => {
    const task = entry()?.task;
    chart.update({ runs: runs.slice(0, CHARTED).reverse(), timeout: task?.timeout ? task.timeout / 1e6 : null, selected: selected() });
  };

  const draw = () => {
    if (!store.isLoaded || !isRead) return;
    const known = entry();
    if (known) head.update(known);
    else head.gone();
    // What kind it is may have been read after its runs.
    if (composed !== known?.task.kind) {
      compose();
      panel?.redraw();
    }
    if (isService()) lines.update(known, runs, !isMore);
    list.update(runs, selected());
    drawChart();
  };

  const split = el("div.split", runsPane, panelBox);
  let composed;
  const compose = () => {
    composed = entry()?.task.kind;
    fill(runsPane, isService() ? lines.element : null, runs.length ? list.element : el("div.panel-note", empty("No runs yet", isService() ? "Nothing has been started." : entry()?.task.cron ? "The first one comes with the schedule." : "Start it with Run Now.")),
      runs.length > 0 && el("a.runs-all", { href: `/runs?task=${encodeURIComponent(name)}` }, "Filter or select runs"));
    history.hidden = !runs.length;
    // What is in the page stays there: a log that is taken out and put back loses its place.
    if (!split.isConnected) fill(root, head.element, history, split);
    if (search) split.before(search.element);
  };

  const none = () =>
    fill(root, el("div.panel-note", el("h1", "No such task"),
      el("p.quiet", "Neither the configuration nor the history knows ", el("span.mono", name), ". ", el("a.prose-link", { href: "/" }, "Overview"))));

  // What has just been read may know more of the run that is shown.
  const renew = async () => {
    const shown = panel;
    if (!shown) return;
    const { id } = shown.run;
    try {
      const run = runs.find((known) => known.id === id) ?? (await get(ofTask(name, `/runs/${id}`)));
      if (panel === shown) shown.update(run);
    } catch (error) {
      if (panel === shown && error.status === 404) shown.vanish();
    }
  };

  const days = async () => {
    const { days: found } = await get(ofTask(name, "/days"), { days: 371 });
    if (isOver) return;
    const own = entry()?.task.timezone ?? store.info?.resolved_timezone;
    heat.update({ days: found, today: dayKey(now(), own ?? zone()) });
  };

  const read = async () => {
    const heard = store.listen();
    try {
      const page = await get(ofTask(name, "/runs"), { limit: PAGE });
      if (isOver) return;
      runs = page.runs;
      isMore = page.total > runs.length;
      heard.tell(note);
      isRead = true;
      compose();
      draw();
      renew();
      show();
      days().catch(() => {});
    } catch (error) {
      if (isOver) return;
      // Configured, but without a run; or nothing at all.
      if (error.status === 404 || error.status === 422) return store.isLoaded ? none() : whenLoaded(none);
      if (isRead && error instanceof Unreachable) return;
      fill(root, el("div.panel-note", broken(error, read)));
    } finally {
      heard.end();
      clearTimeout(patience);
    }
  };

  const whenLoaded = (act) => {
    const end = store.onChange(() => {
      end();
      if (!isOver) act();
    });
  };

  let isReading = false;
  const more = async () => {
    if (!isMore || isReading) return;
    isReading = true;
    try {
      const page = await get(ofTask(name, "/runs"), { limit: PAGE, created_before: runs.at(-1).created_at });
      const known = new Set(runs.map(({ id }) => id));
      const fresh = page.runs.filter(({ id }) => !known.has(id));
      runs = [...runs, ...fresh];
      isMore = fresh.length > 0 && page.total > page.runs.length;
      if (!isOver) draw();
    } catch (error) {
      failed("Older runs could not be loaded", error);
    } finally {
      isReading = false;
    }
  };

  const note = (kind, run) => {
    if (run.task_name !== name) return;
    const at = runs.findIndex(({ id }) => id === run.id);
    if (kind === "deleted") {
      if (at >= 0) runs.splice(at, 1);
    } else if (at >= 0) runs[at] = run;
    else {
      const place = placeOf(run, runs);
      if (place >= 0 || !isMore) runs.splice(place < 0 ? runs.length : place, 0, run);
    }
  };

  const hear = (kind, run) => {
    if (run.task_name !== name || !isRead) return;
    note(kind, run);
    if (panel?.run.id === run.id) {
      if (kind !== "deleted") panel.update(run);
      else if (chosen()) panel.vanish();
      else clear();
    }
    if (runs.length < 2) compose();
    // The newest one is shown unless somebody has chosen.
    if (!panel || panel.run.id !== selected()) show();
    if (kind === "ended") later();
  };

  let dayTimer;
  const later = () => {
    clearTimeout(dayTimer);
    dayTimer = setTimeout(() => days().catch(() => {}), 2000);
  };

  const openSearch = () => {
    if (search) return search.focus();
    search = logSearch({ task: name });
    split.before(search.element);
    search.focus();
  };
  const closeSearch = () => {
    if (!search) return false;
    search.destroy();
    search.element.remove();
    search = null;
  };

  // In the log the arrows scroll, as the browser has it.
  const inLog = ({ target }) => Boolean(target.closest?.(".log, .log-search"));
  const ofLog = (act) => () => (panel ? act(panel.log) : false);

  const patience = setTimeout(() => isRead || isOver || fill(root, el("div.panel-note", skeleton(12))), 150);
  read();
  const media = () => show();
  narrow.addEventListener("change", media);
  const end = all(
    () => { isOver = true; }, () => clearTimeout(patience), () => clearTimeout(dayTimer), () => panel?.end(), () => search?.destroy(),
    () => chart.destroy(), () => heat.destroy(), list.end, () => narrow.removeEventListener("change", media),
    store.onRun(hear), store.onChange(draw), store.onStale(read),
    onZone(() => { draw(); panel?.redraw(); }),
    pageKeys({
      j: () => step(1), k: () => step(-1),
      ArrowDown: (event) => !inLog(event) && step(1), ArrowUp: (event) => !inLog(event) && step(-1),
      r: () => { head.run(); },
      f: ofLog((log) => log.toggleFollow()), Home: ofLog((log) => log.toStart()), End: ofLog((log) => log.toEnd()),
      "ctrl+f": ofLog((log) => log.focusFind()), "ctrl+k": openSearch, Escape: closeSearch,
    }),
  );
  return { end, update: () => isRead && show() };
};
