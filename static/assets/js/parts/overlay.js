// What lies over the page when the daemon cannot be reached: since when, and when the next try
// comes. The page behind keeps its last state and takes no input.

import { connection, onConnection, retryNow } from "../connection.js";
import { el, say, svg } from "../dom.js";
import { clock, elapsed } from "../format.js";
import { icon } from "../marks.js";
import { zone } from "../clock.js";
import { spinner } from "./action.js";

/** `behind` is what becomes inert. */
export const overlay = (behind) => {
  let veil = null;
  let parts;
  let timer;
  let before;

  const draw = () => {
    const { lostAt, lastContact, attempt, nextAt, wait, error } = connection();
    if (lostAt === null) return;
    say(parts.down, elapsed(Date.now() - lostAt));
    say(parts.contact, lastContact ? clock(lastContact, zone()) : "never");
    say(parts.attempt, String(attempt));
    const left = nextAt === null ? 0 : Math.max(0, nextAt - Date.now());
    say(parts.next, nextAt === null ? "trying" : `next try in ${Math.ceil(left / 1000)}s`);
    say(parts.of, nextAt === null ? "" : `of ${Math.round(wait / 1000)}s`);
    parts.line.setAttribute("width", nextAt === null || !wait ? 100 : 100 * (1 - left / wait));
    say(parts.error, error);
  };

  const open = () => {
    parts = {
      down: el("dd"), contact: el("dd"), attempt: el("dd"),
      next: el("span"), of: el("span"), error: el("pre"),
      line: svg("rect.f-now", { height: 3, width: 0 }),
    };
    const retry = el("button.button.button-main", { onclick: () => { retryNow(); draw(); } }, icon("reload"), "Retry now");
    before = document.activeElement;
    veil = el("div.veil",
      el("section.lost", { role: "alertdialog", "aria-modal": "true", "aria-labelledby": "lost-title" },
        el("h2", { id: "lost-title" }, spinner(), "Connection lost"),
        el("dl.facts",
          el("dt", "Down for"), parts.down, el("dt", "Last contact"), parts.contact, el("dt", "Attempt"), parts.attempt),
        el("div.lost-row",
          el("div.wait",
            el("p.wait-text", parts.next, parts.of),
            svg("svg", { viewBox: "0 0 100 3", preserveAspectRatio: "none", "aria-hidden": "true" }, svg("rect.f-line", { width: 100, height: 3 }), parts.line)),
          retry),
        el("details", el("summary", "Details"), parts.error)));
    behind.inert = true;
    document.body.append(veil);
    retry.focus();
    timer = setInterval(draw, 250);
    draw();
  };

  const close = () => {
    clearInterval(timer);
    behind.inert = false;
    veil.remove();
    veil = null;
    before?.focus?.();
  };

  onConnection(({ name }) => {
    if (name === "offline" && !veil) open();
    else if (veil && (name === "connected" || name === "connecting")) close();
    else if (veil) draw();
  });
};
