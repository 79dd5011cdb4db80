// What is to be seen on a page, waited for. In vain they say what was seen last.

import { inspect, isDeepStrictEqual } from "node:util";
import { waitFor } from "./wait.mjs";

/** Waits until what `ask` gives is `wanted`: a pattern, a predicate, or the same value. Returns it. */
export async function becomes(what, ask, wanted, patience) {
  let seen;
  const look = async () => {
    seen = await ask();
    return isLike(seen, wanted);
  };
  try {
    await waitFor(what, look, patience);
  } catch (error) {
    throw new Error(`${what}: ${inspect(seen)} instead of ${inspect(wanted)}`, { cause: error });
  }
  return seen;
}

function isLike(seen, wanted) {
  if (wanted instanceof RegExp) return typeof seen === "string" && wanted.test(seen);
  return typeof wanted === "function" ? wanted(seen) : isDeepStrictEqual(seen, wanted);
}

/** The text of one element, without the spaces that only lay out the source. */
export const textOf = async (locator) => (await locator.textContent()).replace(/\s+/g, " ").trim();

export const shows = (locator, wanted, patience) =>
  becomes(String(locator), () => textOf(locator), wanted, patience);

export const counts = (locator, wanted, patience) =>
  becomes(`count of ${locator}`, () => locator.count(), wanted, patience);

export const hasFocus = (locator) =>
  becomes(`focus on ${locator}`, () => locator.evaluate((node) => node === document.activeElement), true);

/** Path, query and hash. */
export const addressOf = (page) => page.url().replace(/^https?:\/\/[^/]+/, "");

export const isAt = (page, wanted) => becomes("the address", () => addressOf(page), wanted);

/** What a failed request is reported as, twice. */
export const status = (code) => new RegExp(`^(status: ${code} |console: Failed to load resource: .*\\b${code}\\b)`);

/** What a daemon that is gone does to a page. */
export const OUTAGE = [
  /ERR_CONNECTION_REFUSED/,
  /ERR_CONNECTION_RESET/,
  /ERR_CONNECTION_CLOSED/,
  /ERR_EMPTY_RESPONSE/,
  /ERR_INCOMPLETE_CHUNKED_ENCODING/,
  /ERR_SOCKET_NOT_CONNECTED/,
];
