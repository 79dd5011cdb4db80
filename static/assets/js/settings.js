// What this browser remembers of its user's taste. A browser that keeps nothing is as good.

import { signal } from "./signal.js";

const PREFIX = "runwisp:";
const changes = signal();

/** Hears the name of each setting that changes, in other tabs too. */
export const onSetting = changes.on;

export const setting = (name, otherwise) => {
  try {
    return localStorage.getItem(PREFIX + name) ?? otherwise;
  } catch {
    return otherwise;
  }
};

export const keep = (name, value) => {
  try {
    if (value === null) localStorage.removeItem(PREFIX + name);
    else localStorage.setItem(PREFIX + name, value);
  } catch {
    // Storage is full or forbidden: the setting lasts as long as the page.
  }
  changes.emit(name);
};

addEventListener("storage", ({ key }) => {
  if (key?.startsWith(PREFIX)) changes.emit(key.slice(PREFIX.length));
});
