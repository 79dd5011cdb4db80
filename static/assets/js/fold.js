// Folds quiet runs: three or more in a row that went as always become one line. Pure.

import { outcomeOf } from "./marks.js";
import { tookOf } from "./task_state.js";

const FEWEST = 3;
const SLOW = 2;

/** The median of the durations of good runs, newest outcomes first; NaN without any. */
export const usual = (outcomes) => {
  const good = outcomes.filter(({ end_reason: reason, duration_ms: took }) => reason === "success" && took >= 0)
    .map(({ duration_ms: took }) => took).sort((a, b) => a - b);
  if (!good.length) return NaN;
  const middle = good.length >> 1;
  return good.length % 2 ? good[middle] : (good[middle - 1] + good[middle]) / 2;
};

/** Whether nobody need look at a run; `median` is that of its task. */
export const isQuiet = (run, median) =>
  outcomeOf(run) === "success" && run.triggered_by === "cron" && !run.retry_attempt && !(tookOf(run, 0) > SLOW * median);

/**
 * Items of a list of runs: `{ run }` or `{ fold: [runs] }`, in their order. `usualOf(name)` gives
 * the median of a task, `isBreak(a, b)` whether no fold goes from one run to the next.
 */
export const folded = (runs, usualOf, isBreak = () => false) => {
  const items = [];
  let quiet = [];
  const close = () => {
    if (quiet.length >= FEWEST) items.push({ fold: quiet });
    else items.push(...quiet.map((run) => ({ run })));
    quiet = [];
  };
  for (const run of runs) {
    if (quiet.length && isBreak(quiet.at(-1), run)) close();
    if (isQuiet(run, usualOf(run.task_name))) quiet.push(run);
    else {
      close();
      items.push({ run });
    }
  }
  close();
  return items;
};

/** `import-feeds ×7, sync-rates, prune-sessions`, most first. */
export const namesOf = (runs) => {
  const counts = new Map();
  for (const { task_name: name } of runs) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a).map(([name, count]) => (count > 1 ? `${name} ×${count}` : name)).join(", ");
};
