// Which page an address is, and how to get to another one without loading it anew.

import { signal } from "./signal.js";

const changes = signal();

/** Hears that the address has changed, and whether it is a step (not a replacement). */
export const onRoute = changes.on;

export const taskPath = (name) => `/tasks/${encodeURIComponent(name)}`;
/** `line` is a number from 0, as the API counts; addresses count from 1 as editors do. */
export const runPath = (name, id, line) =>
  `${taskPath(name)}/${id}${line === undefined || line === null ? "" : `#L${line + 1}`}`;

const PAGES = { "/": "overview", "/timeline": "timeline", "/runs": "runs", "/notifications": "notifications", "/settings": "settings" };

const decoded = (text) => {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
};

/** The page of a path, and what the path says for it. Pure. */
export const route = (path, search = "") => {
  const [, folder, task, run, ...more] = path.split("/");
  const page = PAGES[path.length > 1 ? path.replace(/\/$/, "") : path];
  if (page) return { page };
  const name = task ? decoded(task) : null;
  if (folder !== "tasks" || !name || more.some(Boolean)) return { page: "missing" };
  return { page: "task", name, run: run || new URLSearchParams(search).get("runId") || null };
};

export const here = () => route(location.pathname, location.search);

/** The line of a hash such as `#L120`, from 0; null without one. Pure. */
export const lineOf = (hash) => {
  const found = /^#L([1-9]\d{0,14})$/.exec(hash);
  return found ? Number(found[1]) - 1 : null;
};

/** Goes to another address of the dashboard. */
export const go = (path, { replace = false } = {}) => {
  if (replace) history.replaceState(null, "", path);
  else history.pushState(null, "", path);
  changes.emit(!replace);
};

/** Makes links and the buttons of the browser work without loading the page. */
export const listen = () => {
  addEventListener("popstate", () => changes.emit(true));
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target.closest?.("a[href]");
    if (!link || link.origin !== location.origin || link.target || link.hasAttribute("download")) return;
    if (link.pathname.startsWith("/api/")) return;
    if (link.pathname === location.pathname && link.search === location.search && link.hash) return;
    event.preventDefault();
    go(link.pathname + link.search + link.hash);
  });
};
