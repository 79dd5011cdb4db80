// Requests to the daemon; the only file that calls `fetch` but for streams. A request that
// finds no session waits for the login and is sent again, so no page ever sees a 401.

import { signal } from "./signal.js";

const PATIENCE = 30_000;

/** The daemon's own refusal: its status and its sentence. */
export class Refused extends Error {
  constructor(status, detail, retryAfter, errors = []) {
    super(detail);
    this.status = status;
    this.retryAfter = retryAfter;
    this.errors = errors;
  }
}

/** Nobody answered, or only a proxy that says the daemon does not. */
export class Unreachable extends Error {}

const answers = signal();
const losses = signal();
const busyness = signal();
let waiting = 0;
let held = Promise.resolve();
let login = () => Promise.reject(new Refused(401, "not logged in"));

/** The daemon has answered something. */
export const onAnswer = answers.on;
/** It has not; hears why. */
export const onLoss = losses.on;
/** Hears how many requests are under way. */
export const onBusy = busyness.on;

/** Requests wait for this first: nothing is asked before it is known whether there is a session. */
export const hold = (promise) => {
  held = promise;
  promise.catch(() => {});
};

/** What to wait for when a session is needed. */
export const whenLoggedOut = (required) => {
  login = required;
};

const busy = (change) => {
  waiting += change;
  busyness.emit(waiting);
};

/** A path with the values that are there: `query("/api/runs", { limit: 5 })`. */
export const query = (path, values = {}) => {
  const given = Object.entries(values).filter(([, value]) => value !== undefined && value !== null && value !== "");
  return given.length ? `${path}?${new URLSearchParams(given)}` : path;
};

/** The path of a task in the API. */
export const ofTask = (name, rest = "") => `/api/tasks/${encodeURIComponent(name)}${rest}`;

/** The path of a run in the API. */
export const ofRun = (run, rest = "") => ofTask(run.task_name, `/runs/${run.id}${rest}`);

/**
 * The response, if it is not the answer of a proxy whose daemon is away. Throws `Unreachable`.
 * For streams and for what must not wait for a login.
 */
export const ask = async (path, options = {}) => {
  let response;
  try {
    response = await fetch(path, { cache: "no-store", credentials: "same-origin", ...options });
  } catch (error) {
    if (options.signal?.aborted && options.signal.reason?.name !== "TimeoutError") throw error;
    throw lost(`${options.method ?? "GET"} ${path.split("?")[0]}: ${error.message}`);
  }
  const isOurs = /json|event-stream|text\/plain/.test(response.headers.get("Content-Type") ?? "json");
  if (response.status >= 502 && response.status <= 504 && !isOurs) {
    throw lost(`${path.split("?")[0]}: the proxy answers ${response.status}`);
  }
  answers.emit();
  return response;
};

const lost = (why) => {
  const error = new Unreachable(why);
  losses.emit(error);
  return error;
};

/** The refusal in a response that is none of 2xx. */
export const refusal = async (response) => {
  const problem = await response.json().catch(() => ({}));
  const detail = problem.errors?.length
    ? problem.errors.map(({ location, message }) => `${location ?? "request"}: ${message}`).join("; ")
    : problem.detail;
  const retryAfter = Number(response.headers.get("Retry-After")) || undefined;
  return new Refused(response.status, detail ?? `the daemon answers ${response.status}`, retryAfter, problem.errors);
};

const isText = (response) => response.headers.get("Content-Type")?.startsWith("text/plain");

const request = async (method, path, { body, signal: cancelled } = {}) => {
  await held;
  busy(1);
  try {
    for (;;) {
      const timeout = AbortSignal.timeout(PATIENCE);
      const response = await ask(path, {
        method,
        signal: cancelled ? AbortSignal.any([cancelled, timeout]) : timeout,
        ...(body && { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } }),
      });
      if (response.status === 401) {
        await login();
        continue;
      }
      if (!response.ok) throw await refusal(response);
      return response.status === 204 ? null : await (isText(response) ? response.text() : response.json());
    }
  } finally {
    busy(-1);
  }
};

/** The JSON of an answer, or its text. Throws `Refused` or `Unreachable`. */
export const get = (path, values, options) => request("GET", query(path, values), options);
export const post = (path, body) => request("POST", path, { body });
export const remove = (path) => request("DELETE", path);
