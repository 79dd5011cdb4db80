// The daemon's time in this browser: its clock, which may not be the browser's, the zone that
// times are shown in, and the texts on the page that grow older by themselves.

import { el, say, set } from "./dom.js";
import { absolute, elapsed, relative, zoneName } from "./format.js";
import { keep, onSetting, setting } from "./settings.js";
import { signal } from "./signal.js";

let ahead = 0;
let daemonZone;
const seconds = signal();
const zones = signal();

/** Unix milliseconds by the daemon's clock. */
export const now = () => Date.now() + ahead;

/** How far the daemon's clock is ahead of the browser's, in ms. */
export const skew = () => ahead;

/** The daemon has just said what time it is. Less than a second is the way it took. */
export const learn = (at) => {
  const difference = at - Date.now();
  ahead = Math.abs(difference) < 1000 ? 0 : difference;
};

/** The zone of the schedules, as soon as it is known. */
export const learnZone = (zone) => {
  if (daemonZone === zone) return;
  daemonZone = zone;
  zones.emit();
};

export const schedulerZone = () => daemonZone;

/** The zone to show times in; undefined is the browser's own. */
export const zone = () => (setting("zone", "browser") === "scheduler" ? daemonZone : undefined);

export const toggleZone = () =>
  keep("zone", setting("zone", "browser") === "scheduler" ? "browser" : "scheduler");

/** The zone of all times on the page is another one. */
export const onZone = zones.on;
onSetting((name) => name === "zone" && zones.emit());

/** Every second, while somebody can see it. */
export const onSecond = seconds.on;

/** `2026-05-14 17:11:04 CEST` */
export const exact = (at) => `${absolute(at, zone())} ${zoneName(at, zone())}`;

/** A time that says how long ago it was or how long it still takes, and keeps saying so. */
export const age = (at, className) => {
  const node = el("time", { class: className });
  setAge(node, at);
  return node;
};

export const setAge = (node, at) => {
  set(node, "datetime", new Date(at).toISOString());
  set(node, "data-age", at);
  say(node, relative(at, now()));
};

/** The same for what is expected: once its time has come it is due, not past. */
export const setDue = (node, at) => {
  setAge(node, at);
  set(node, "data-age", null);
  set(node, "data-due", at);
  say(node, due(at, now()));
};

const due = (at, time) => (at > time ? relative(at, time) : "now");

/** A duration that grows from an instant on. */
export const since = (at, className) => {
  const node = el("span", { class: className });
  setSince(node, at);
  return node;
};

export const setSince = (node, at) => {
  set(node, "data-since", at);
  say(node, elapsed(now() - at));
};

/** The same element, when it has stopped growing. */
export const settle = (node, text) => {
  set(node, "data-since", null);
  set(node, "data-age", null);
  set(node, "data-due", null);
  say(node, text);
};

// What is exact costs more to say, so it is said when somebody points there.
document.addEventListener("pointerover", ({ target }) => {
  const node = target.closest?.("[data-age], [data-due]");
  if (node) set(node, "title", exact(Number(node.dataset.age ?? node.dataset.due)));
});

const grow = () => {
  if (document.hidden) return;
  const at = now();
  for (const node of document.querySelectorAll("[data-age]")) {
    say(node, relative(Number(node.dataset.age), at));
  }
  for (const node of document.querySelectorAll("[data-due]")) say(node, due(Number(node.dataset.due), at));
  for (const node of document.querySelectorAll("[data-since]")) {
    say(node, elapsed(at - Number(node.dataset.since)));
  }
  seconds.emit(at);
};

setInterval(grow, 1000);
document.addEventListener("visibilitychange", grow);
