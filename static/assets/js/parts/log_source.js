// Brings the lines of a run: pages of what is stored, the stream of what is being written. It
// fills the window of lines and says what it is doing; where lines are shown is not its matter.

import { plain } from "../ansi.js";
import { get, ofRun, query } from "../api.js";
import { follow, retryStreams } from "../stream.js";

const PAGE = 1000;
// Before a line that is linked to.
const BEFORE = 300;
// What comes while a page is loaded waits for it; not more than this.
const HELD = 20_000;

/** `changed()`: something is new, `take()` it; `isAtEnd()`: whether somebody wants to see what comes. */
export const logSource = ({ run, lines, changed, isAtEnd }) => {
  let stream = null;
  let queue = [];
  let requests = new AbortController();
  let again = retryStreams;

  const close = () => {
    requests.abort();
    stream?.close();
    self.live = "none";
  };

  const note = (line) => {
    if (line.stream === "stderr" && !(line.n <= self.lastError?.n) && plain(line.text).trim()) self.lastError = line;
  };

  const reach = (end) => { self.total = Math.max(self.total, end); };

  const load = async (from) => {
    const { signal } = requests;
    const page = await get(ofRun(run, "/log"), { from, limit: PAGE }, { signal });
    signal.throwIfAborted();
    self.available = Math.max(self.available, page.first_available);
    reach(page.total_lines);
    page.lines.forEach(note);
    if (page.finalized && run.status === "ended") self.outcome ??= run;
    return page.lines;
  };

  // A page ends early after 4 MiB: then less is asked for, until one gets to the end that is meant.
  const before = async (end) => {
    for (let count = PAGE; ;) {
      const found = await load(end === Infinity ? -count : Math.max(self.available, end - count));
      if (count === 1 || !found.length || found.at(-1).n + 1 >= Math.min(end, self.total)) return found;
      count = Math.ceil(found.length * 0.8);
    }
  };

  // One load of a side at a time. That of the whole window ends all others.
  const loading = async (side, work) => {
    if (side === "window") {
      requests.abort();
      requests = new AbortController();
      self.busy = {};
      self.failure = {};
      again = () => loading(side, work);
    } else if (self.busy[side]) return;
    const { signal } = requests;
    self.busy[side] = true;
    self.failure[side] = null;
    changed();
    try {
      await work();
      self.isReady = true;
    } catch (cause) {
      if (signal.aborted) return;
      fail(side, cause);
    }
    self.busy[side] = false;
    changed();
  };

  const fail = (side, cause) => {
    self.failure[side] = cause;
    if (cause.status !== 404) return;
    self.isGone = true;
    lines.clear();
    close();
  };

  const replace = (found) => {
    lines.clear(found[0]?.n ?? self.total);
    lines.append(found);
    if (!self.outcome) listen(self.total);
  };

  const listen = (from) => {
    stream ??= follow(() => query(ofRun(run, "/log/stream"), { from }), { hear, state });
  };

  const state = (name, cause) => {
    if (self.isGone) return;
    if (name === "open") {
      self.live = "open";
      self.isReady = true;
      if (!self.busy.window) self.failure.window = null;
    } else if (name === "waiting") {
      self.live = "interrupted";
      // All streams are taken: what is stored can be read all the same.
      if (cause.status === 503 && !self.isReady) self.tail();
      else if (cause.status === 404 || !self.isReady) fail("window", cause);
    }
    changed();
  };

  const hear = (name, data) => {
    if (name === "line") {
      queue.push(data);
      note(data);
      reach(data.n + 1);
    } else if (name === "rotated") self.available = Math.max(self.available, data.first_available);
    else if (name === "dropped") reach(data.after + 1);
    else if (name === "done") {
      reach(data.final_line + 1);
      self.outcome = { ...run, ...data };
      self.live = "none";
      stream.close();
    }
    changed();
  };

  const self = {
    // What is loaded now, and what could not be: `window`, `older`, `newer`.
    busy: {},
    failure: {},
    isReady: false,
    isGone: false,
    total: 0,
    available: 0,
    // How the run ended, as soon as all lines are known that there will be.
    outcome: null,
    // none, open, interrupted
    live: "none",
    // The last line of stderr that says something, of all that were seen.
    lastError: null,
    get run() { return run; },
    get hasOlder() { return !lines.isEmpty && lines.first > self.available; },
    // What has come and waits to be taken is not missing.
    get hasNewer() { return !lines.isEmpty && lines.next < (queue[0]?.n ?? self.total); },

    start() {
      if (run.status === "running") listen(-PAGE);
      else if (run.status === "ended") self.tail();
      changed();
    },
    tail: () => loading("window", async () => replace(await before(Infinity))),
    around: (n) => loading("window", async () => {
      let found = await load(Math.max(0, n - BEFORE));
      if (found.length && found.at(-1).n < n && n < self.total) found = await load(n);
      replace(found.length ? found : await before(Infinity));
    }),
    older: () => loading("older", async () => lines.prepend(await before(lines.first))),
    newer: () => loading("newer", async () => {
      const from = lines.next;
      const found = await load(from);
      if (lines.next === from) lines.append(found);
    }),
    retry: () => (self.failure.window ? again() : retryStreams()),

    /** Puts what the stream has brought behind the lines that are here, if they go on there. */
    take() {
      if ((self.busy.window || self.busy.newer) && queue.length < HELD) return;
      for (const line of queue) {
        // Others are between, that are stored and only too many to be sent: the window moves.
        const isApart = line.n > lines.next && line.n > self.available;
        if (isApart && !lines.isEmpty && !isAtEnd()) continue;
        if (isApart) lines.clear(line.n);
        lines.append([line]);
      }
      queue = [];
    },

    /** The same run, later. */
    update(later) {
      const wasPending = run.status === "pending";
      run = later;
      if (wasPending && run.status !== "pending") self.start();
      changed();
    },
    close,
  };
  return self;
};
