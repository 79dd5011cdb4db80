// Follows an event stream of the daemon: over `fetch`, because `EventSource` hides the status of
// a refusal and cannot go on behind an event after the tab was away.

import { ask, refusal } from "./api.js";
import { isAway, onPresence } from "./presence.js";

const FIRST_WAIT = 1000;
const LONGEST_WAIT = 30_000;
// The daemon sends something every 15 s: a connection that is silent for longer is dead.
const SILENCE = 40_000;

let login = () => new Promise(() => {});

/** What to wait for when the session is over. */
export const whenStreamLoggedOut = (required) => {
  login = required;
};

const streams = new Set();

/** Tries every stream that waits, now. */
export const retryStreams = () => streams.forEach((retry) => retry());

/**
 * Calls `hear(name, data, id)` for each event, and `state` with `connecting`, `open` (and whether
 * it goes on where it was), `waiting` (and the error), `away`. Comes back by itself, behind the
 * last id, until `close()` is called. `path()` is asked each time, with the last id or null.
 */
export const follow = (path, { hear, state = () => {}, lastId = null }) => {
  let last = lastId;
  let wait = FIRST_WAIT;
  let timer;
  let connection;
  let closed = false;

  const again = (delay) => {
    clearTimeout(timer);
    timer = setTimeout(connect, delay);
  };

  const connect = async () => {
    if (closed || connection) return;
    clearTimeout(timer);
    if (isAway()) return state("away");
    const own = new AbortController();
    connection = own;
    state("connecting");
    try {
      const response = await ask(path(last), {
        signal: own.signal,
        headers: last === null ? {} : { "Last-Event-ID": last },
      });
      if (response.status === 401) {
        await login();
        wait = 0;
        throw new Error("the session is over");
      }
      if (!response.ok) throw await refusal(response);
      state("open", last !== null);
      await read(response.body.getReader(), own);
      throw new Error("the stream has ended");
    } catch (error) {
      if (closed || connection !== own) return;
      connection = null;
      state("waiting", error);
      again(error.retryAfter ? error.retryAfter * 1000 : wait);
      wait = Math.min(Math.max(wait * 2, FIRST_WAIT), LONGEST_WAIT);
    }
  };

  const read = async (reader, own) => {
    const decoder = new TextDecoder();
    let rest = "";
    let watchdog;
    try {
      for (;;) {
        clearTimeout(watchdog);
        watchdog = setTimeout(() => own.abort(), SILENCE);
        const { done, value } = await reader.read();
        if (done || closed || connection !== own) return;
        wait = FIRST_WAIT;
        const events = (rest + decoder.decode(value, { stream: true })).split("\n\n");
        rest = events.pop();
        for (const event of events) {
          dispatch(event);
          if (closed) return;
        }
      }
    } finally {
      clearTimeout(watchdog);
      reader.cancel().catch(() => {});
    }
  };

  const dispatch = (event) => {
    let name = "message";
    let data;
    for (const line of event.split("\n")) {
      const colon = line.indexOf(": ");
      const field = colon < 0 ? line.replace(/:$/, "") : line.slice(0, colon);
      const value = colon < 0 ? "" : line.slice(colon + 2);
      if (field === "id") last = value;
      else if (field === "event") name = value;
      else if (field === "data") data = value;
    }
    if (data !== undefined) hear(name, JSON.parse(data), last);
  };

  const drop = () => {
    clearTimeout(timer);
    const own = connection;
    connection = null;
    own?.abort();
  };

  const retry = () => {
    if (connection) return;
    wait = FIRST_WAIT;
    connect();
  };

  const forget = onPresence((away) => {
    if (!away) return retry();
    drop();
    state("away");
  });
  streams.add(retry);
  connect();
  return {
    close() {
      closed = true;
      streams.delete(retry);
      forget();
      drop();
    },
  };
};
