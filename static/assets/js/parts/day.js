// The day band of the overview with its data: what started in the last hours, what failed, what
// comes, and when the daemon was down.

import { get } from "../api.js";
import { dayBand } from "../charts/band.js";
import { downtimes } from "../charts/downtime.js";
import { now, skew } from "../clock.js";
import { millis } from "../format.js";
import { isFailure, outcomeOf } from "../marks.js";
import { go, runPath } from "../router.js";
import { all } from "../signal.js";
import { timeOf } from "../task_state.js";

const BUCKET = 900_000;
const HOUR = 3_600_000;
const WIDE = { back: 16 * HOUR, ahead: 8 * HOUR };
const NARROW = { back: 7 * HOUR, ahead: 4 * HOUR };
/** Everything is counted anew so often; between, events keep it true. */
const EVERY = 300_000;
const MINUTE = 60_000;

export const day = ({ store, onUpcoming }) => {
  const band = dayBand({ onOpen: (failure) => go(runPath(failure.task_name, failure.id)) });
  const narrow = matchMedia("(max-width: 43.75rem)");
  let data = null;
  let ahead = 0;

  const draw = () => data && band.update({ ...data, now: now() });

  const read = async () => {
    ahead = skew();
    const hours = narrow.matches ? NARROW : WIDE;
    const from = Math.floor((now() - hours.back) / BUCKET) * BUCKET;
    const to = Math.ceil((now() + hours.ahead) / BUCKET) * BUCKET;
    const text = (at) => new Date(at).toISOString();
    const [past, failures, upcoming, history] = await Promise.all([
      get("/api/timeline", { from: text(from), to: text(now()), bucket: BUCKET / 1000, merge: true }),
      get("/api/runs", { is_failure: true, created_after: text(from), limit: 300 }),
      get("/api/upcoming", { until: text(to), bucket: BUCKET / 1000, limit: 50 }),
      get("/api/daemon/history", { limit: 100 }),
    ]);
    data = {
      from, to, bucket: BUCKET,
      counts: past.merged.map(({ at, count, failed }) => ({ at: millis(at), count, failed })),
      failures: failures.runs.map(failureOf),
      upcoming: upcoming.buckets.map(({ at, count }) => ({ at: millis(at), count })),
      down: downtimes(history.items),
    };
    onUpcoming(upcoming);
    draw();
  };

  const hear = (kind, run) => {
    if (!data || kind === "deleted") return;
    const outcome = outcomeOf(run);
    const at = Math.floor((timeOf(run) - data.from) / BUCKET) * BUCKET + data.from;
    let bucket = data.counts.find((known) => known.at === at);
    if (!bucket) data.counts.push(bucket = { at, count: 0, failed: 0 });
    if (kind === "started" || (kind === "created" && run.status === "running") || (kind === "ended" && !run.start_at)) {
      if (!seen.has(run.id)) bucket.count += 1;
      seen.add(run.id);
    }
    if (kind === "ended") {
      seen.delete(run.id);
      if (isFailure(outcome)) {
        bucket.failed += 1;
        data.failures.push(failureOf(run));
      }
    }
    dirty();
  };
  // Runs that have been counted, until they end.
  const seen = new Set();

  let frame;
  const dirty = () => {
    frame ??= requestAnimationFrame(() => {
      frame = undefined;
      draw();
    });
  };

  const again = () => document.hidden || read().catch(() => {});
  const timers = [setInterval(again, EVERY), setInterval(draw, MINUTE)];
  // A browser whose clock is wrong has asked for the wrong hours.
  const check = () => Math.abs(skew() - ahead) > BUCKET && again();
  const listen = () => again();
  narrow.addEventListener("change", listen);
  return {
    element: band.element,
    /** Rejects as requests do. */
    read,
    end: all(
      store.onRun(hear), store.onStale(again), store.onSample(check), () => timers.forEach(clearInterval), () => band.destroy(),
      () => narrow.removeEventListener("change", listen),
    ),
  };
};

const failureOf = (run) => ({ id: run.id, task_name: run.task_name, at: timeOf(run), outcome: outcomeOf(run) });
