// The bell: how much is unread, and the newest rows. The count always comes from the daemon.

import { get, post } from "../api.js";
import { el, fill, say, set } from "../dom.js";
import { icon } from "../marks.js";
import { onRoute } from "../router.js";
import { all, signal } from "../signal.js";
import { store } from "../store.js";
import { popover } from "./dialog.js";
import { notice } from "./notice.js";
import { empty, loading } from "./states.js";
import { failed } from "./toast.js";

const NEWEST = 10;

const changes = signal();
let unread = 0;

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
  // -1 says: ask.
  if (data.unread_count >= 0) {
    unread = data.unread_count;
    changes.emit();
  } else recount().catch(() => {});
};

export const bell = () => {
  const badge = el("span.bell-count", { hidden: true });
  const button = el("button.button.button-bare.button-icon.bell", { "aria-label": "Notifications" }, icon("bell"), badge);
  const panel = popover(button, { label: "Notifications", className: "bell-panel", build: content });

  const draw = async () => {
    badge.hidden = !unread;
    say(badge, unread > 99 ? "99+" : String(unread));
    set(button, "aria-label", unread ? `Notifications, ${unread} unread` : "Notifications");
    if (!unread) return;
    // Only an error that nobody has read is red.
    const { items } = await get("/api/notifications", { limit: 100 });
    badge.classList.toggle("bell-calm", !items.some((item) => item.severity === "error" && !item.read_at));
  };
  const end = all(store.onNotice(hear), store.onStale(() => recount().catch(() => {})), changes.on(() => draw().catch(() => {})), onRoute(() => panel.close()));
  return { element: button, end };
};

const content = (close) => {
  const box = el("div");
  loading(box, {
    rows: 3,
    load: () => get("/api/notifications", { limit: NEWEST }),
    draw: ({ items }) => fill(box, items.length
      ? el("ul", items.map((item) => notice(item, { marked: recount, leave: close })))
      : empty("Nothing to report", "Failures and other news will appear here.")),
  });
  return [
    el("div.bell-head", el("b", "Notifications"),
      el("button.button.button-bare", { disabled: !unread, onclick: () => markAllRead().then(() => close()) }, "Mark all read"),
      el("a.button.button-bare", { href: "/notifications" }, "View all")),
    box,
  ];
};
