// Who is at the keyboard: login by challenge and response, launch tickets, logout. The password
// never leaves this function call, the token lives in a cookie that no script sees.

import { ask, refusal, whenLoggedOut } from "./api.js";
import { sha256 } from "./sha256.js";
import { signal } from "./signal.js";
import { whenStreamLoggedOut } from "./stream.js";

const changes = signal();
let needed = null;

/** Hears whether a login is needed now. */
export const onLoginNeeded = changes.on;

/** Resolves when somebody has logged in. */
const required = () => {
  if (!needed) {
    let resolve;
    const promise = new Promise((done) => { resolve = done; });
    needed = { promise, resolve };
    changes.emit(true);
  }
  return needed.promise;
};
whenLoggedOut(required);
whenStreamLoggedOut(required);

const loggedIn = () => {
  const waiting = needed;
  needed = null;
  changes.emit(false);
  waiting?.resolve();
};

const checked = async (response) => {
  if (!response.ok) throw await refusal(response);
  return response.status === 204 ? null : response.json();
};

const send = async (path, body) =>
  checked(await ask(path, {
    method: "POST",
    ...(body && { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } }),
  }));

/**
 * Logs in. A challenge that has expired on the way is taken once more. Throws `Refused` (401:
 * wrong password, 429: too many attempts) or `Unreachable`.
 */
export const logIn = async (password, isRetry = false) => {
  const { nonce } = await checked(await ask("/api/auth/challenge"));
  const response = sha256(`${password}:${nonce}`);
  try {
    await send("/api/auth", { nonce, response });
  } catch (error) {
    if (error.status === 401 && /challenge/.test(error.message) && !isRetry) return logIn(password, true);
    throw error;
  }
  loggedIn();
};

/** Ends the session of this browser; its streams end with the page that follows. */
export const logOut = async () => {
  await send("/api/auth/logout");
  location.replace("/");
};

/** Redeems the ticket in the address bar, if there is one, and takes it out before anything else. */
export const redeem = async () => {
  const address = new URL(location.href);
  const ticket = address.searchParams.get("ticket");
  if (ticket === null) return;
  address.searchParams.delete("ticket");
  history.replaceState(null, "", address);
  // Refused or not, the status tells.
  await ask(`/api/auth/launch?${new URLSearchParams({ ticket })}`, { redirect: "manual" }).catch(() => {});
};

/** Asks for a login unless there is a session. */
export const ensure = async () => {
  const { authenticated } = await checked(await ask("/api/auth/status"));
  if (!authenticated) await required();
};
