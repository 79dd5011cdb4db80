// Whether the daemon can be reached. Streams and requests report what they meet; while nothing
// answers, `/health` is tried with growing waits, and whoever shows data hears when it is back.

import { onAnswer, onLoss } from "./api.js";
import { isAway, onPresence } from "./presence.js";
import { signal } from "./signal.js";
import { retryStreams } from "./stream.js";

const FIRST_WAIT = 1000;
const LONGEST_WAIT = 30_000;
/** Shorter gaps only change the indicator. */
const GRACE = 3000;

const changes = signal();
const returns = signal();

const state = {
  /** `connecting`, `connected`, `lost` (for less than the grace time) or `offline`. */
  name: "connecting",
  lastContact: null,
  lostAt: null,
  attempt: 0,
  /** When the next try comes, and how long the wait for it is. */
  nextAt: null,
  wait: 0,
  error: "",
};

let tryTimer;
let graceTimer;

export const connection = () => state;
/** Hears each change of `connection()`. */
export const onConnection = changes.on;
/** The daemon is back: what is shown may be old. */
export const onReturn = returns.on;

const become = (name) => {
  state.name = name;
  changes.emit(state);
};

const reached = () => {
  state.lastContact = Date.now();
  if (state.name === "connected") return;
  const wasLost = state.lostAt !== null;
  clearTimeout(tryTimer);
  clearTimeout(graceTimer);
  Object.assign(state, { lostAt: null, attempt: 0, nextAt: null, wait: 0, error: "" });
  become("connected");
  if (!wasLost) return;
  retryStreams();
  returns.emit();
};

const lost = (error) => {
  state.error = error.message;
  if (state.lostAt !== null) return changes.emit(state);
  state.lostAt = Date.now();
  graceTimer = setTimeout(() => state.lostAt !== null && become("offline"), GRACE);
  become("lost");
  plan();
};

const plan = () => {
  clearTimeout(tryTimer);
  state.wait = Math.min(FIRST_WAIT * 2 ** state.attempt, LONGEST_WAIT);
  state.nextAt = Date.now() + state.wait;
  tryTimer = setTimeout(attempt, state.wait);
  changes.emit(state);
};

const attempt = async () => {
  clearTimeout(tryTimer);
  // A tab that nobody sees asks nothing; it tries when it is looked at again.
  if (isAway() && document.hidden) return;
  state.attempt += 1;
  state.nextAt = null;
  changes.emit(state);
  try {
    const response = await fetch("/health", { cache: "no-store", signal: AbortSignal.timeout(5000) });
    if (response.ok) return reached();
    state.error = `GET /health: ${response.status} ${(await response.text()).slice(0, 100)}`;
  } catch (error) {
    state.error = `GET /health: ${error.message}`;
  }
  plan();
};

/** Does not wait for the next try. */
export const retryNow = () => (state.lostAt === null ? retryStreams() : attempt());

// Any answer is one, 404 and 500 too. Once it was lost only /health tells: a daemon that stops
// still answers this and that.
onAnswer(() => state.lostAt === null && reached());
onLoss(lost);
onPresence((away) => !away && state.lostAt !== null && attempt());

