// Whether this tab may hold streams. A browser opens six connections to a host, so tabs that
// nobody looks at let go: after a minute, or at once when another tab needs its own.

import { signal } from "./signal.js";

const LINGER = 60_000;

const changes = signal();
const others = "BroadcastChannel" in window ? new BroadcastChannel("runwisp") : null;
let away = document.hidden;
let timer;

/** Hears `true` when the tab goes, `false` when it comes. */
export const onPresence = changes.on;
export const isAway = () => away;

const move = (to) => {
  clearTimeout(timer);
  if (away === to) return;
  away = to;
  changes.emit(to);
};

const look = () => {
  clearTimeout(timer);
  if (document.hidden) {
    timer = setTimeout(move, LINGER, true);
    return;
  }
  others?.postMessage("here");
  move(false);
};

document.addEventListener("visibilitychange", look);
// A page that the browser keeps for "back" holds nothing either.
addEventListener("pagehide", () => move(true));
addEventListener("pageshow", look);
others?.addEventListener("message", () => document.hidden && move(true));
if (!document.hidden) others?.postMessage("here");

