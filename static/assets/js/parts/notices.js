// Rows of the bell's feed that stay true while they are shown: the newest news on top, whether it
// is a new row or an old one to which something was added.

import { get, post } from "../api.js";
import { onSecond, onZone } from "../clock.js";
import { el, fill, reconcile } from "../dom.js";
import { millis } from "../format.js";
import { all } from "../signal.js";
import { store } from "../store.js";
import { ageNotice, notice, updateNotice } from "./notice.js";
import { empty, loading } from "./states.js";
import { failed } from "./toast.js";

const PAGE = 50;
const MOST = 500;

const byTime = (a, b) => millis(b.last_occurred_at) - millis(a.last_occurred_at) || (a.id < b.id ? 1 : -1);

/**
 * `limit` rows at most, each with `lines` of output; `leave` closes what the list is in; `marked`
 * hears that a mark was changed here.
 */
export const notices = ({ limit = Infinity, lines, leave, marked }) => {
  const known = new Map();
  // What was heard since the last question: the answer may be older.
  const heard = new Map();
  const list = el("ul.notices");
  const rest = el("div.notices-more");
  const element = el("div");
  let next = null;
  let isLoaded = false;

  const toggle = async (id, to) => {
    try {
      await post(`/api/notifications/${id}/${to}`);
      await marked();
    } catch (error) {
      failed("The mark was not changed", error);
    }
  };
  const row = ({ id }) => notice({ item: () => known.get(id), toggle: (to) => toggle(id, to), leave });

  const draw = () => {
    if (!isLoaded) return;
    if (!known.size) return fill(element, empty("Nothing to report", "Failures and other news will appear here."));
    reconcile(list, [...known.values()].sort(byTime).slice(0, limit), ({ id }) => id, row, (node, item) => updateNotice(node, item, lines));
    fill(rest, next && limit === Infinity && el("button.button", { onclick: more }, "Load more"));
    if (list.parentNode !== element) fill(element, list, rest);
  };

  const take = ({ items, next_cursor: cursor }) => {
    for (const item of items ?? []) known.set(item.id, item);
    next = cursor;
    draw();
  };

  const more = async () => {
    try {
      take(await get("/api/notifications", { limit: PAGE, before: next }));
    } catch (error) {
      failed("Older notifications could not be loaded", error);
    }
  };

  // As much as is there already.
  const ask = () => {
    heard.clear();
    return get("/api/notifications", { limit: Math.min(MOST, Math.max(PAGE, known.size)) });
  };
  const first = (page) => {
    known.clear();
    isLoaded = true;
    take({ ...page, items: [...(page.items ?? []), ...heard.values()] });
  };
  const cancel = loading(element, { rows: 3, load: ask, draw: first });
  const reread = () => { if (isLoaded) ask().then(first).catch(() => {}); };

  const hear = (_, { notification }) => {
    // Only a count: many were marked at once.
    if (!notification) return reread();
    heard.set(notification.id, notification);
    known.set(notification.id, notification);
    draw();
  };

  const grow = () => {
    for (const node of list.children) ageNotice(node, known.get(node.dataset.key));
  };
  return { element, end: all(cancel, store.onNotice(hear), store.onStale(reread), onSecond(grow), onZone(draw)) };
};
