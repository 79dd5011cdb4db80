// All runs: newest first, filtered by the daemon, more with scrolling, kept true by events.

import { get } from "../api.js";
import { onSecond, onZone, zone } from "../clock.js";
import { el, fill, set, say } from "../dom.js";
import { asQuery, readFilter, wants, writeFilter } from "../filters.js";
import { grouped } from "../format.js";
import { icon } from "../marks.js";
import { filterBar } from "../parts/filter_bar.js";
import { runTable } from "../parts/run_table.js";
import { selection } from "../parts/selection.js";
import { empty, loading } from "../parts/states.js";
import { failed } from "../parts/toast.js";
import { pageKeys } from "../keys.js";
import { go } from "../router.js";
import { keep, setting } from "../settings.js";
import { all } from "../signal.js";
import { placeOf } from "../task_state.js";

const PAGE = 200;
const NEWEST = { field: "created_at", direction: "desc" };
const COUNT_REST = 15_000;

export const mount = (root, { store }) => {
  let filter = readFilter(location.search);
  let sort = NEWEST;
  let runs = [];
  let total = 0;
  let isMore = false;
  let isLoading = false;
  let cancel = () => {};

  const says = el("p", { "aria-live": "polite" });
  const box = el("div");
  const picked = selection({
    shown: () => runs, total: () => total, filter: () => asQuery(filter, zone()), onChange: () => draw(),
  });
  const fold = el("button.button.fold-toggle", {
    title: "Successes that went as always become one line", onclick: () => {
      keep("fold", setting("fold", "1") === "1" ? "0" : "1");
      draw();
    },
  }, "Fold quiet runs");
  const select = el("button.button.button-bare", { onclick: () => picked.start() }, "Select");
  const bar = filterBar({ store, onChange: (next) => go(`/runs${writeFilter(next)}`), tools: [select, fold] });
  const search = el("input", {
    type: "search", placeholder: "Task or run id", "aria-label": "Search runs", "data-search": true, value: filter.q ?? "",
    onchange: ({ target }) => go(`/runs${writeFilter({ ...filter, q: target.value.trim() })}`),
    oninput: ({ target }) => target.value || (filter.q && go(`/runs${writeFilter({ ...filter, q: "" })}`)),
  });
  const table = runTable({ store, onSort: (field) => resort(field), selection: picked });
  const sentinel = el("div.sentinel", { "aria-hidden": "true" });
  fill(root,
    el("div.page-head", el("h1", "Runs"), says, el("label.field.page-search", icon("search"), search)),
    bar.element, box, picked.bar);

  const isNewest = () => sort.field === NEWEST.field && sort.direction === "desc";
  const isFiltered = () => Object.keys(filter).length > 0;

  const draw = () => {
    if (isLoading) return;
    set(fold, "aria-pressed", String(setting("fold", "1") === "1"));
    set(select, "hidden", picked.isOn);
    if (!runs.length) {
      say(says, "");
      return fill(box, isFiltered() ? empty("No run matches", "Drop a filter to see more.") : empty("No runs yet", "Runs appear here as soon as a task starts."));
    }
    const order = isNewest() ? "newest first" : `by ${sort.field.replace("_at", "").replace("_", " ")}`;
    say(says, `${runs.length < total ? `${grouped(runs.length)} of ` : ""}${grouped(total)}, ${order}`);
    if (table.element.parentNode !== box) fill(box, table.element, sentinel);
    table.update({ runs, sort, isFolding: setting("fold", "1") === "1" && isNewest(), hasDays: isNewest() });
  };

  const ask = (extra) => get("/api/runs", { ...asQuery(filter, zone()), limit: PAGE, sort_field: sort.field, sort_direction: sort.direction, ...extra });

  const take = (page) => {
    const known = new Set(runs.map(({ id }) => id));
    const fresh = page.runs.filter(({ id }) => !known.has(id));
    runs = [...runs, ...fresh];
    isMore = page.runs.length === PAGE && fresh.length > 0;
  };

  const read = () => {
    cancel();
    isLoading = true;
    let heard;
    const end = loading(box, {
      rows: 14,
      load: () => {
        heard?.end();
        heard = store.listen();
        return ask();
      },
      draw: (page) => {
        isLoading = false;
        runs = [];
        total = page.total;
        take(page);
        heard.tell(hear);
        draw();
        picked.draw();
      },
    });
    cancel = () => {
      heard.end();
      end();
    };
    count();
  };

  // From where the list ends: what has come since does not move the pages.
  const more = async () => {
    if (!isMore || isLoading) return;
    isMore = false;
    try {
      take(await ask(isNewest() ? { created_before: runs.at(-1).created_at } : { offset: runs.length }));
      draw();
    } catch (error) {
      failed("Older runs could not be loaded", error);
      isMore = true;
    }
  };

  let counted = 0;
  const count = async () => {
    counted = Date.now();
    const { status: _, ...rest } = filter;
    const names = bar.segments.filter(Boolean);
    try {
      const totals = await Promise.all(names.map((name) => get("/api/runs", { ...asQuery({ ...rest, status: name }, zone()), limit: 1 })));
      bar.count(Object.fromEntries(names.map((name, place) => [name, totals[place].total])));
    } catch {
      // Without numbers the segments work as well.
    }
  };

  const hear = (kind, run) => {
    if (isLoading) return;
    const at = runs.findIndex(({ id }) => id === run.id);
    const isWanted = kind !== "deleted" && wants(filter, run, zone());
    if (at >= 0 && isWanted) runs[at] = run;
    else if (at >= 0) {
      runs.splice(at, 1);
      total -= 1;
    } else if (isWanted && isNewest()) {
      const place = placeOf(run, runs);
      if (place < 0 && isMore) return;
      runs.splice(place < 0 ? runs.length : place, 0, run);
      total += 1;
    }
  };

  const resort = (field) => {
    sort = sort.field === field ? { field, direction: sort.direction === "desc" ? "asc" : "desc" } : { field, direction: field === "task_name" ? "asc" : "desc" };
    read();
  };

  const follow = () => {
    filter = readFilter(location.search);
    picked.leave();
    bar.update(filter);
    if (document.activeElement !== search) search.value = filter.q ?? "";
    read();
  };

  const observer = new IntersectionObserver(([entry]) => entry.isIntersecting && more(), { root, rootMargin: "600px" });
  observer.observe(sentinel);
  bar.update(filter);
  read();
  const end = all(
    () => cancel(), () => observer.disconnect(), store.onRun(hear), store.onChange(draw), store.onStale(read), onZone(draw),
    onSecond(() => Date.now() - counted > COUNT_REST && count()),
    pageKeys({ Escape: () => (picked.isOn ? picked.leave() : false) }),
  );
  return { end, update: follow };
};
