// One row of the bell's feed, in the popover and on the page.

import { get } from "../api.js";
import { exact, now } from "../clock.js";
import { cells, lookOf, partsOf, rhythm } from "../alerts.js";
import { el, fill, say, set, svg } from "../dom.js";
import { millis } from "../format.js";
import { hidden, icon, mark, setMark } from "../marks.js";
import { go, runPath, taskPath } from "../router.js";
import { failed } from "./toast.js";

/** `item()` gives the row as it is now; `toggle` marks it; `leave` closes the popover it is in. */
export const notice = ({ item, toggle, leave }) => {
  const open = async () => {
    const { task_name: task, run_id: run, kind, read_at: isRead } = item();
    if (!isRead) toggle("read");
    leave?.();
    // What is about a notifier and no task is about how things are set up.
    if (!task) return kind.startsWith("notify.") ? go("/settings") : undefined;
    if (!run) return go(taskPath(task));
    try {
      // A row may speak of several tasks: the run knows its own.
      const { task_name: name } = await get(`/api/runs/${run}`);
      go(runPath(name, run));
    } catch (error) {
      if (error.status === 404) failed("That run is no longer there", "Retention or a person has deleted it.");
      else failed("The run could not be opened", error);
    }
  };
  return el("li.notice",
    mark("idle"),
    el("div.notice-text",
      el("button.notice-title", { onclick: open, "data-row": true }, hidden(""), el("span")),
      el("p.notice-body"), el("pre.notice-tail")),
    el("button.button.button-bare.button-icon", { onclick: () => toggle(item().read_at ? "unread" : "read") }),
    el("p.notice-when", el("span.mono"), el("span.notice-rhythm", el("span"), el("span"))));
};

/** Brings a row up to date. `lines` of the output are shown at most. */
export const updateNotice = (node, item, lines) => {
  const [sign, text, button] = node.children;
  const isRead = Boolean(item.read_at);
  node.className = `notice notice-${item.severity}${isRead ? " notice-read" : ""}`;
  setMark(sign, lookOf(item));
  const [title, body, output] = text.children;
  say(title.firstElementChild, `${item.severity}: `);
  say(title.lastElementChild, item.title);
  const { sentence, tail } = partsOf(item.body);
  set(body, "hidden", !sentence);
  say(body, sentence);
  set(output, "hidden", !tail.length);
  say(output, tail.slice(-lines).join("\n"));
  const act = isRead ? "Mark unread" : "Mark read";
  if (button.title !== act) {
    set(button, "title", act);
    set(button, "aria-label", act);
    fill(button, icon(isRead ? "dot" : "check"));
  }
  ageNotice(node, item);
};

/** Its times grow older by themselves. */
export const ageNotice = (node, item) => {
  const [task, { firstElementChild: when, lastElementChild: box }] = node.lastElementChild.children;
  set(task, "hidden", !item.task_name);
  say(task, item.task_name);
  const words = rhythm(item, now());
  if (when.textContent === words) return;
  say(when, words);
  set(when, "title", exact(millis(item.last_occurred_at)));
  fill(box, item.count > 1 && spark(cells(item, now())));
};

const spark = (counts) => {
  const most = Math.max(1, ...counts);
  return svg("svg.chart", { width: 42, height: 10, viewBox: "0 0 42 10", "aria-hidden": "true" },
    counts.map((count, place) => {
      const height = count ? 2 + (7 * count) / most : 1;
      return svg("rect.f-idle", { x: place * 5, y: 10 - height, width: 4, height });
    }));
};
