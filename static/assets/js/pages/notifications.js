// All notifications, fifty at a time.

import { el, fill, say } from "../dom.js";
import { grouped } from "../format.js";
import { markAllRead, onUnread, recount, unreadCount } from "../parts/bell.js";
import { notices } from "../parts/notices.js";
import { all } from "../signal.js";

const LINES = 6;

export const mount = (root) => {
  const unread = el("p", { "aria-live": "polite" });
  const list = notices({ lines: LINES, marked: recount });
  fill(root,
    el("div.page-head", el("h1", "Notifications"), unread,
      el("div.actions", el("a.button.button-bare", { href: "/settings" }, "Who is told"), el("button.button", { onclick: markAllRead }, "Mark all read"))),
    list.element);
  const count = () => say(unread, unreadCount() ? `${grouped(unreadCount())} unread` : "all read");
  count();
  return all(list.end, onUnread(count));
};
