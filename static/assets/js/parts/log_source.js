// Brings the lines of a run: pages of what is stored, the stream of what is being written. It
// fills the window of lines and says what it is doing; where lines are shown is not its matter.

import { plain } from "../ansi.js";
import { get, ofRun, query, Refused } from "../api.js";
import { follow, retryStreams } from "../stream.js";

const PAGE = 1000;
// Before a line that is linked to.
const BEFORE = 300;
// What comes while a page is loaded waits for it; not more than this.
const HELD = 20_000;

/**
 * `hear.reset()`: other lines are here; `hear.wake()`: something has come, `take()` it;
 * `hear.prepended(load)`: wraps what adds lines in front; `hear.appended(rows)`; `hear.changed()`.
 * `hear.isAtEnd()`: whether somebody wants to see what comes.
 */
export const logSource = ({ run: first, lines, hear }) => {
  let run = first;
  // loading, pending, ready, broken, gone
  let phase = "loading";
  let error = null;
  let total = 0;
  let available = 0;
  // Everything is here that there will be; how the run ended.
  let outcome = null;
  let stream = null;
  // none, open, interrupted
  let live = "none";
  let queue = [];
  // The number of the line that the stream sends next.
  let heard = 0;
  let reach = PAGE;
  let isOpening = false;
  let again = () => {};
  let requests = new AbortController();
  const busy = { older: false, newer: false };
  const failure = { older: null, newer: null, window: null };
  // The last line of stderr that says something, of all that were seen.
  let lastError = null;

  const note = (batch) => {
    for (let at = batch.length - 1; at >= 0; at -= 1) {
      const seen = batch[at];
      if (lastError && seen.n <= lastError.n) return;
      if (seen.stream === "stderr" && plain(seen.text).trim()) {
        lastError = seen;
        return;
      }
    }
  };

  const load = async (from, limit) => {
    const page = await get(ofRun(run, "/log"), { from, limit }, { signal: requests.signal });
    available = Math.max(available, page.first_available);
    total = Math.max(total, page.total_lines);
    note(page.lines);
    if (page.finalized && run.status === "ended") outcome ??= run;
    return page;
  };

  // A page ends early after 4 MiB. Then fewer lines are asked for, so that it gets to its end.
  const before = async (end) => {
    for (;;) {
      const from = Math.max(available, end - reach);
      if (from >= end) return [];
      const { lines: found } = await load(from, end - from);
      if (!found.length || found.at(-1).n + 1 >= end || reach === 1) {
        reach = Math.min(PAGE, reach * 2);
        return found;
      }
      reach = Math.max(1, Math.floor(found.length * 0.8));
    }
  };

  // One load of the whole window at a time: a newer wish ends an older one.
  const open = async (wish) => {
    again = () => open(wish);
    requests.abort();
    requests = new AbortController();
    const own = requests;
    busy.older = busy.newer = false;
    failure.older = failure.newer = failure.window = error = null;
    if (lines.isEmpty) phase = "loading";
    hear.changed();
    isOpening = true;
    try {
      await wish();
      if (own.signal.aborted) return;
      isOpening = false;
      if (phase === "loading") phase = "ready";
    } catch (cause) {
      if (own.signal.aborted) return;
      isOpening = false;
      fail(cause);
    }
    hear.changed();
  };

  const fail = (cause) => {
    error = cause;
    if (cause instanceof Refused && cause.status === 404) {
      phase = "gone";
      lines.clear();
      close();
    } else if (lines.isEmpty) phase = "broken";
    else failure.window = cause;
  };

  const replace = (found, at) => {
    lines.clear(found[0]?.n ?? at);
    lines.append(found);
    hear.reset();
  };

  const tail = () => open(async () => {
    const page = await load(-reach, reach);
    let found = page.lines;
    if (found.length && found.at(-1).n + 1 < page.total_lines) found = await before(page.total_lines);
    replace(found, page.total_lines);
    if (!outcome) listen(lines.next);
  });

  const around = (n) => open(async () => {
    let page = await load(Math.max(0, n - BEFORE), PAGE);
    if (page.lines.length && page.lines.at(-1).n < n && n < page.total_lines) page = await load(n, PAGE);
    if (!page.lines.length && page.total_lines) page = { ...page, lines: await before(page.total_lines) };
    replace(page.lines, page.total_lines);
    if (!outcome) listen(Math.max(lines.next, total));
  });

  const listen = (from) => {
    if (stream || phase === "gone") return;
    heard = Math.max(from, 0);
    stream = follow(() => query(ofRun(run, "/log/stream"), { from }), { hear: receive, state });
  };

  const state = (name, cause) => {
    if (phase === "gone") return;
    if (name === "open") {
      live = "open";
      error = null;
      if (!isOpening) phase = "ready";
    } else if (name === "waiting") {
      live = "interrupted";
      if (cause.status === 404 || (lines.isEmpty && phase !== "ready")) fail(cause);
      // All streams are taken: what is stored can be read all the same.
      if (cause.status === 503 && lines.isEmpty) tail();
    }
    hear.changed();
  };

  const receive = (name, data) => {
    if (name === "line") {
      if (data.n < heard) return;
      heard = data.n + 1;
      total = Math.max(total, heard);
      queue.push(data);
    } else if (name === "rotated") {
      available = Math.max(available, data.first_available);
    } else if (name === "dropped") {
      heard = Math.max(heard, data.after + 1);
      total = Math.max(total, heard);
      queue.push({ n: data.after + 1 - data.count, gap: data.count });
    } else if (name === "done") {
      outcome = { ...run, ...data };
      total = Math.max(total, data.final_line + 1);
      live = "none";
      stream.close();
    }
    hear.wake();
  };

  /** Puts what the stream has brought behind the lines that are here, if they go on there. */
  const take = () => {
    if ((isOpening || busy.newer) && queue.length < HELD) return;
    const batch = queue;
    queue = [];
    note(batch);
    let rows = 0;
    let from = 0;
    batch.forEach((line, at) => {
      if (!line.gap) return;
      rows += join(batch.slice(from, at));
      from = at + 1;
      const after = line.n + line.gap;
      if (lines.next !== null && !lines.isEmpty && after <= available) rows += join([line]);
      // They are stored, only too many to be sent: the window moves, what is between can be loaded.
      else if (lines.isEmpty || (hear.isAtEnd() && lines.next >= line.n)) {
        lines.clear(after);
        hear.reset();
        rows = 0;
      }
    });
    rows += join(from ? batch.slice(from) : batch);
    if (rows) hear.appended(rows);
  };

  const join = (batch) => (batch.length && (lines.next === null || batch[0].n <= lines.next) ? lines.append(batch) : 0);

  const more = async (side, work) => {
    if (busy[side]) return;
    const own = requests;
    busy[side] = true;
    failure[side] = null;
    hear.changed();
    try {
      const found = await work();
      if (own.signal.aborted) return;
      busy[side] = false;
      if (side === "older") hear.prepended(() => lines.prepend(found));
      else hear.appended(lines.append(found));
    } catch (cause) {
      if (own.signal.aborted) return;
      busy[side] = false;
      if (cause.status === 404) fail(cause);
      failure[side] = cause;
    }
    hear.changed();
  };

  const close = () => {
    requests.abort();
    stream?.close();
    live = "none";
  };

  const start = (n) => {
    if (run.status === "pending") {
      phase = "pending";
      hear.changed();
    } else if (n !== null && n !== undefined) around(n);
    else if (run.status === "running") {
      lines.clear();
      phase = "loading";
      listen(-PAGE);
    } else tail();
  };

  return {
    start,
    tail,
    around,
    take,
    close,
    get run() { return run; },
    get phase() { return phase; },
    get error() { return error; },
    get total() { return total; },
    get available() { return available; },
    get outcome() { return outcome; },
    get live() { return live; },
    get lastError() { return lastError; },
    busy,
    failure,
    get hasOlder() { return !lines.isEmpty && lines.first > available; },
    get hasNewer() { return !lines.isEmpty && lines.next < Math.max(heard, total); },
    older: () => more("older", () => before(lines.first)),
    newer: () => more("newer", async () => (await load(lines.next, PAGE)).lines),
    retry() {
      if (stream && !failure.window) retryStreams();
      else again();
    },
    /** The same run, later. */
    update(later) {
      const was = run.status;
      run = later;
      if (was === "pending" && run.status !== "pending") start(null);
      hear.changed();
    },
  };
};
