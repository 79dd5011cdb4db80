// All notifications, fifty at a time.

import { get } from "../api.js";
import { el, fill, say } from "../dom.js";
import { grouped } from "../format.js";
import { markAllRead, onUnread, recount, unreadCount } from "../parts/bell.js";
import { notice } from "../parts/notice.js";
import { broken, empty, loading } from "../parts/states.js";
import { all } from "../signal.js";

const PAGE = 50;

export const mount = (root, { store }) => {
  const unread = el("p");
  const list = el("ul.notices");
  const rest = el("div");
  const box = el("div");
  fill(root,
    el("div.page-head", el("h1", "Notifications"), unread,
      el("div.actions", el("button.button", { onclick: markAllRead }, "Mark all read"))),
    box);

  const count = () => say(unread, unreadCount() ? `${grouped(unreadCount())} unread` : "all read");

  const add = ({ items, next_cursor: before }) => {
    list.append(...items.map((item) => notice(item, { marked: recount })));
    fill(rest, before && el("button.button", {
      onclick: () => get("/api/notifications", { limit: PAGE, before }).then(add, (error) => fill(rest, broken(error, () => read()))),
    }, "Load more"));
  };

  let cancel = () => {};
  const read = () => {
    cancel();
    cancel = loading(box, {
      load: () => get("/api/notifications", { limit: PAGE }),
      draw: (page) => {
        if (!page.items.length) return fill(box, empty("Nothing to report", "Failures and other news will appear here."));
        fill(list);
        fill(box, list, rest);
        add(page);
      },
    });
  };
  count();
  read();
  return all(() => cancel(), onUnread(() => { count(); read(); }), store.onStale(read));
};
