// Whether this tab may hold streams. A browser opens six connections to a host, and a page has two
// streams at most. So tabs that nobody looks at let go: after a minute, or at once when another
// tab needs its own. Of windows side by side the last two that were used hold theirs.

import { signal } from "./signal.js";

const LINGER = 60_000;
const MOST = 2;

const changes = signal();
const others = "BroadcastChannel" in window ? new BroadcastChannel("runwisp") : null;
const own = Math.random();
/** Who was used since this one was. */
const later = new Set();
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

const claim = () => {
  later.clear();
  others?.postMessage(own);
};

const look = () => {
  clearTimeout(timer);
  if (document.hidden) {
    timer = setTimeout(move, LINGER, true);
    return;
  }
  claim();
  move(false);
};

document.addEventListener("visibilitychange", look);
// A page that the browser keeps for "back" holds nothing either.
addEventListener("pagehide", () => move(true));
addEventListener("pageshow", look);
// A window that can be seen is used again.
for (const name of ["focus", "pointerover", "pointerdown", "keydown"]) {
  addEventListener(name, () => away && !document.hidden && look(), { capture: true, passive: true });
}
others?.addEventListener("message", ({ data }) => {
  later.add(data);
  if (document.hidden || later.size >= MOST) move(true);
});
if (!document.hidden) claim();
