// The sidebar: pages, tasks by group with the mark of each, and what this browser is connected to.

import { schedulerZone, zone } from "../clock.js";
import { connection, onConnection, retryNow } from "../connection.js";
import { el, fill, reconcile, say, set } from "../dom.js";
import { hidden, icon, isFailure, mark, setMark, word } from "../marks.js";
import { here, onRoute, taskPath } from "../router.js";
import { logOut } from "../session.js";
import { keep, setting } from "../settings.js";
import { all } from "../signal.js";
import { store } from "../store.js";
import { countOf, markOf, matches } from "../task_state.js";
import { mutedMark, updateMuted } from "./muted.js";
import { failed } from "./toast.js";

/** With more tasks than this there is a field to filter them. */
const MANY = 15;

const LINKS = [
  { page: "overview", path: "/", name: "Overview", glyph: "home" },
  { page: "timeline", path: "/timeline", name: "Timeline", glyph: "lanes" },
  { page: "runs", path: "/runs", name: "All runs", glyph: "list" },
  { page: "settings", path: "/settings", name: "Settings", glyph: "sliders" },
];

// Of a folded group the worst mark is shown.
const WORST = ["fatal", "crashed", "failed", "start_failed", "unhealthy", "log_overflow", "timeout", "missed", "partial", "stopped", "running"];
const rank = (outcome) => (WORST.indexOf(outcome) + 1 || 99);

const byText = (a, b) => (a < b ? -1 : a > b ? 1 : 0);

export const sidebar = ({ onHelp }) => {
  const links = el("ul.side-links", LINKS.map(({ page, path, name, glyph }) =>
    el("li", el("a.side-item", { href: path, "data-page": page }, icon(glyph), el("span.side-name", name)))));
  const filter = el("input", { type: "search", placeholder: "Filter tasks", "aria-label": "Filter tasks", oninput: () => draw() });
  const filterBox = el("label.field.side-filter", { hidden: true }, icon("search"), filter);
  const groups = el("div.side-groups");
  const version = el("span.count");
  const foot = footer(onHelp);
  const element = el("nav.side", { id: "side", "aria-label": "Pages and tasks" },
    el("a.brand", { href: "/" }, icon("wisp", "icon brand-mark"), "runwisp", version),
    links, el("div.side-lists", filterBox, groups), foot.element);

  const draw = () => {
    set(filterBox, "hidden", store.tasks.size <= MANY);
    const byGroup = new Map();
    for (const entry of store.entries()) {
      if (store.tasks.size > MANY && !matches({ name: entry.task.name }, filter.value)) continue;
      const list = byGroup.get(entry.task.group) ?? [];
      if (!list.length) byGroup.set(entry.task.group, list);
      list.push(entry);
    }
    const sections = [...byGroup].sort(([a], [b]) => byText(a, b));
    reconcile(groups, sections, ([name]) => name, section, updateSection);
    for (const link of links.querySelectorAll("a")) set(link, "aria-current", link.dataset.page === here().page ? "page" : null);
    say(version, store.info ? store.info.version : "");
    foot.draw();
  };

  const end = all(store.onChange(draw), onRoute(draw), onConnection(foot.draw), store.onStream(foot.draw));
  draw();
  return { element, end };
};

const isFolded = (name) => setting(`folded:${name}`) === "1";

const section = ([name]) => {
  const list = el("ul", { "aria-label": name });
  const worst = el("span.side-worst");
  const head = el("button.side-head", {
    onclick: () => {
      keep(`folded:${name}`, isFolded(name) ? null : "1");
      list.hidden = isFolded(name);
      set(head, "aria-expanded", String(!list.hidden));
      worst.hidden = !list.hidden;
    },
  }, el("span.side-name", name), worst, icon("chevron", "icon side-chevron"));
  list.hidden = isFolded(name);
  worst.hidden = !list.hidden;
  set(head, "aria-expanded", String(!list.hidden));
  return el("section", el("h2.side-title", head), list);
};

const updateSection = (node, [, entries]) => {
  const sorted = [...entries].sort((a, b) => byText(a.task.name, b.task.name));
  reconcile(node.querySelector("ul"), sorted, ({ task }) => task.name, item, updateItem);
  const worst = sorted.map(markOf).sort((a, b) => rank(a) - rank(b))[0];
  const sign = node.querySelector(".side-worst");
  if (rank(worst) === 99) fill(sign);
  else fill(sign, mark(worst), hidden(`, one is ${word(worst)}`));
};

const item = ({ task }) =>
  el("li", el("a.side-item", { href: taskPath(task.name), title: task.name },
    mark("idle"), el("span.side-name", task.name, hidden("")), mutedMark(), el("span.count")));

const updateItem = (node, entry) => {
  const link = node.firstElementChild;
  const [sign, name, muted, count] = link.children;
  const outcome = markOf(entry);
  const text = outcome === "partial" ? `${countOf(entry)} up` : word(outcome);
  setMark(sign, outcome);
  say(name.lastElementChild, `, ${text}`);
  updateMuted(muted, entry.task);
  say(count, entry.task.paused ? "paused" : entry.task.held_by ? "held" : countOf(entry));
  link.classList.toggle("side-loud", isFailure(outcome) || outcome === "partial");
  const { page, name: current } = here();
  set(link, "aria-current", page === "task" && current === entry.task.name ? "page" : null);
};

const CONNECTION = {
  connecting: ["pending", "connecting"], connected: ["success", "connected"],
  lost: ["missed", "connecting"], offline: ["failed", "offline"],
};

const footer = (onHelp) => {
  const sign = mark("pending");
  const state = el("span", "connecting");
  const retry = el("button.side-state", { onclick: retryNow, title: "Retry now" }, sign, state);
  const fingerprint = el("span", { title: "Name of this instance" });
  const zoneText = el("span");
  const element = el("div.side-foot",
    el("div.side-foot-row", retry, el("span.side-name", { title: location.host }, location.host)),
    el("div.side-foot-row", fingerprint, zoneText),
    el("div.side-foot-row",
      el("button.link", { onclick: () => logOut().catch((error) => failed("Could not log out", error)) }, "Log out"),
      el("button.link", { onclick: onHelp }, el("span.key", "?"), " keys")));
  const draw = () => {
    const { name } = connection();
    const [outcome, text] = name === "connected" && store.streamState === "waiting" ? ["missed", "waiting for a slot"] : CONNECTION[name];
    setMark(sign, outcome);
    say(state, text);
    if (!store.info) return;
    say(fingerprint, store.info.fingerprint);
    say(zoneText, schedulerZone() ?? "");
    set(zoneText, "title", `Time zone of the schedules, from the ${store.info.timezone_source === "config" ? "configuration" : store.info.timezone_source}${zone() ? "" : "; times are shown in the browser's"}`);
  };
  return { element, draw };
};
