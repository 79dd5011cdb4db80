// The bell: how much is unread, and the newest rows. The count always comes from the daemon.

import { get, post } from "../api.js";
import { el, say, set } from "../dom.js";
import { icon } from "../marks.js";
import { onRoute } from "../router.js";
import { all, signal } from "../signal.js";
import { store } from "../store.js";
import { popover } from "./dialog.js";
import { notices } from "./notices.js";
import { failed } from "./toast.js";

const NEWEST = 10;
/** Of the output of a run in the popover. */
const LINES = 2;
/** Rows that are looked through for an error. */
const AT_ONCE = 100;

const changes = signal();
let unread = 0;
let isGrave = false;

/** Hears that rows or the count have changed. */
export const onUnread = changes.on;
export const unreadCount = () => unread;

export const markAllRead = async () => {
  try {
    await post("/api/notifications/read");
    await recount();
  } catch (error) {
    failed("Not marked as read", error);
  }
};

/** Asks for the count. */
export const recount = async () => {
  unread = (await get("/api/notifications/unread-count")).count;
  changes.emit();
};

const hear = (_, data) => {
  const { notification: row } = data;
  const isSure = row?.severity === "error" && !row.read_at;
  if (isSure) isGrave = true;
  // -1 says: ask.
  if (data.unread_count >= 0) {
    unread = data.unread_count;
    changes.emit(isSure);
  } else recount().catch(() => {});
};

/** Whether an error is among what nobody has read: that alone is red. */
const grave = async () => {
  let left = unread;
  let before;
  while (left > 0) {
    const { items, next_cursor: next } = await get("/api/notifications", { limit: AT_ONCE, before });
    const open = (items ?? []).filter(({ read_at: isRead }) => !isRead);
    if (open.some(({ severity }) => severity === "error")) return true;
    if (!next) return false;
    left -= open.length;
    before = next;
  }
  return false;
};

export const bell = () => {
  const badge = el("span.bell-count", { hidden: true });
  const button = el("button.button.button-bare.button-icon.bell", { "aria-label": "Notifications" }, icon("bell"), badge);
  let shown = null;
  const panel = popover(button, {
    label: "Notifications", className: "bell-panel",
    build: (close) => {
      shown = content(close);
      return shown.nodes;
    },
    closed: () => shown.end(),
  });

  const draw = () => {
    badge.hidden = !unread;
    say(badge, unread > 99 ? "99+" : String(unread));
    set(button, "aria-label", unread ? `Notifications, ${unread} unread` : "Notifications");
    badge.classList.toggle("bell-calm", !isGrave);
  };

  // One question at a time, and one more if something came meanwhile.
  let isAsking = false;
  let askAgain = false;
  const colour = async () => {
    askAgain = true;
    if (isAsking) return;
    isAsking = true;
    while (askAgain) {
      askAgain = false;
      isGrave = await grave().catch(() => isGrave);
    }
    isAsking = false;
    draw();
  };
  const change = (isSure) => {
    if (!unread) isGrave = false;
    // Of a new number without a colour yet the number waits.
    if (!badge.hidden || !unread || isGrave) draw();
    // Of a storm of errors each says by itself that it is red.
    if (!isSure || isAsking) colour();
  };
  const end = all(store.onNotice(hear), store.onStale(() => recount().catch(() => {})), changes.on(change), onRoute(() => panel.close()));
  return { element: button, end };
};

const content = (close) => {
  const list = notices({ limit: NEWEST, lines: LINES, leave: close, marked: recount });
  const markAll = el("button.button.button-bare", { onclick: () => markAllRead().then(() => close()) }, "Mark all read");
  const draw = () => { markAll.disabled = !unread; };
  draw();
  return {
    nodes: [el("div.bell-head", el("b", "Notifications"), markAll, el("a.button.button-bare", { href: "/notifications" }, "View all")), list.element],
    end: all(list.end, changes.on(draw)),
  };
};
