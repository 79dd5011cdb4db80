// The keyboard: keys for the whole dashboard, and those that a page adds.

import { el, isTyping } from "./dom.js";
import { go } from "./router.js";
import { openDialog } from "./parts/dialog.js";

const PLACES = { o: "/", t: "/timeline", r: "/runs", n: "/notifications", s: "/settings" };

const HELP = [
  ["g then o", "Overview"], ["g then t", "Timeline"], ["g then r", "All runs"], ["g then n", "Notifications"], ["g then s", "Settings"],
  ["/", "Search of the page"], ["j k or arrows", "Move in a list"], ["Enter", "Open"], ["r", "Run the task"],
  ["Home End", "Start and end of the log"], ["f", "Follow the log"], ["Ctrl+F", "Find in the log"],
  ["Ctrl+K", "Search all logs of a task"], ["+ −", "Zoom of the timeline"], ["Esc", "Close, or clear a search"], ["?", "This list"],
];

let pages = [];
let isGoing = false;
let goTimer;

/** Adds keys of a page: `{ f: (event) => …, "ctrl+k": … }`. The newest wins. Gives the end. */
export const pageKeys = (handlers) => {
  pages = [handlers, ...pages];
  return () => { pages = pages.filter((known) => known !== handlers); };
};

export const help = () =>
  openDialog({
    label: "Keys",
    className: "dialog-keys",
    build: (close) => [
      el("h2", "Keys"),
      el("dl.keys", HELP.flatMap(([keys, what]) => [
        el("dt", keys.split(" ").map((part) => (/^(then|or)$/.test(part) ? ` ${part} ` : el("kbd.key", part)))),
        el("dd", what),
      ])),
      el("div.dialog-actions", el("button.button", { onclick: () => close() }, "Close")),
    ],
  });

const nameOf = (event) =>
  `${event.ctrlKey || event.metaKey ? "ctrl+" : ""}${event.key.length === 1 ? event.key.toLowerCase() : event.key}`;

// Whatever is a row moves the focus; the browser does the rest.
const move = (by) => {
  const rows = [...document.querySelectorAll("#main [data-row]")].filter((row) => row.offsetParent);
  if (!rows.length) return false;
  const at = rows.indexOf(document.activeElement);
  rows[at < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, at + by))].focus();
  return true;
};

const search = () => {
  const field = document.querySelector("#main [data-search]");
  field?.focus();
  field?.select?.();
  return Boolean(field);
};

const common = {
  "/": search,
  j: () => move(1),
  k: () => move(-1),
  ArrowDown: ({ target }) => target.matches?.("[data-row]") && move(1),
  ArrowUp: ({ target }) => target.matches?.("[data-row]") && move(-1),
  "?": () => { help(); return true; },
};

const press = (event) => {
  if (event.defaultPrevented || event.altKey || document.querySelector("dialog[open], .veil, .login")) return;
  const name = nameOf(event);
  if (event.key === "Escape" && isTyping(event.target)) return leaveField(event.target);
  if (isTyping(event.target) && !name.startsWith("ctrl+")) return;
  if (isGoing) {
    isGoing = false;
    clearTimeout(goTimer);
    if (PLACES[name]) {
      event.preventDefault();
      go(PLACES[name]);
      return;
    }
  }
  if (name === "g") {
    isGoing = true;
    goTimer = setTimeout(() => { isGoing = false; }, 1500);
    return;
  }
  for (const keys of [...pages, common]) {
    if (keys[name] && keys[name](event) !== false) {
      event.preventDefault();
      return;
    }
  }
};

// First what was typed goes, then the field is left.
const leaveField = (field) => {
  if (field.type === "search" && field.value) {
    field.value = "";
    field.dispatchEvent(new Event("input", { bubbles: true }));
  } else field.blur();
};

export const listenToKeys = () => addEventListener("keydown", press);
