// One row of the bell's feed, in the popover and on the page.

import { get, post } from "../api.js";
import { age, now } from "../clock.js";
import { el, svg } from "../dom.js";
import { millis, relative } from "../format.js";
import { hidden, icon, mark } from "../marks.js";
import { go, runPath, taskPath } from "../router.js";
import { failed } from "./toast.js";

const SEVERITY = { error: "failed", warn: "missed", info: "running" };
const HOUR = 3_600_000;
const CELLS = 8;

/** How often something happened, in words (docs: the rhythm of a row). Pure. */
export const rhythm = ({ count, occurrences = [], created_at: created, last_occurred_at: last }, at) => {
  const newest = relative(millis(last), at);
  if (count < 2) return newest;
  const oldest = Math.min(...occurrences.map(millis), millis(last));
  if (at - oldest <= HOUR) return `${count}× in the last hour, latest ${newest}`;
  const age = at - millis(created);
  const days = Math.floor(age / (24 * HOUR));
  if (days < 7) return `${count}× over ${days ? `${days}d` : `${Math.floor(age / HOUR)}h`}, latest ${newest}`;
  return `${count}× since ${days}d ago, latest ${newest}`;
};

const cells = ({ occurrences = [], last_occurred_at: last }, at) => {
  const times = occurrences.map(millis);
  const from = Math.min(...times, millis(last));
  const width = Math.max(1, (at - from) / CELLS);
  const counts = Array(CELLS).fill(0);
  for (const time of times) counts[Math.min(CELLS - 1, Math.max(0, Math.floor((time - from) / width)))] += 1;
  const most = Math.max(1, ...counts);
  return svg("svg.chart", { width: 42, height: 10, viewBox: "0 0 42 10", "aria-hidden": "true" },
    counts.map((count, place) => {
      const height = count ? 2 + (7 * count) / most : 1;
      return svg("rect.f-idle", { x: place * 5, y: 10 - height, width: 4, height });
    }));
};

const open = async (notice, { markRead, leave }) => {
  markRead();
  leave?.();
  if (!notice.task_name) return;
  if (!notice.run_id) return go(taskPath(notice.task_name));
  try {
    await get(`/api/runs/${notice.run_id}`);
    go(runPath(notice.task_name, notice.run_id));
  } catch (error) {
    if (error.status === 404) failed("That run is no longer there", "Retention or a person has deleted it.");
    else failed("The run could not be opened", error);
  }
};

/** `marked` hears that a mark was changed; `leave` closes the popover that the row is in. */
export const notice = (item, { marked, leave }) => {
  const isRead = Boolean(item.read_at);
  const toggle = (to) => post(`/api/notifications/${item.id}/${to}`).then(marked).catch((error) => failed("The mark was not changed", error));
  const markRead = () => isRead || toggle("read");
  return el("li", { class: `notice${isRead ? " notice-read" : ""}` },
    mark(SEVERITY[item.severity] ?? "idle"),
    el("div",
      el("button.notice-title", { onclick: () => open(item, { markRead, leave }) }, hidden(`${item.severity}: `), item.title),
      item.body && el("p.notice-body", item.body)),
    el("button.button.button-bare.button-icon", {
      "aria-label": isRead ? "Mark unread" : "Mark read", title: isRead ? "Mark unread" : "Mark read",
      onclick: () => toggle(isRead ? "unread" : "read"),
    }, icon(isRead ? "bell" : "check")),
    el("p.notice-when", item.task_name && el("span.mono", item.task_name),
      item.count > 1 ? [el("span", rhythm(item, now())), cells(item, now())] : age(millis(item.last_occurred_at))));
};
