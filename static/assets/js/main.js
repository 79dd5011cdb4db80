// Puts the dashboard together: shell, session, data, and the page of the address.

import { connection, onConnection } from "./connection.js";
import { hold } from "./api.js";
import { begin, during } from "./busy.js";
import { el, fill } from "./dom.js";
import { help, listenToKeys } from "./keys.js";
import { header } from "./parts/header.js";
import { login } from "./parts/login.js";
import { overlay } from "./parts/overlay.js";
import { sidebar } from "./parts/sidebar.js";
import { stale } from "./parts/stale.js";
import { broken } from "./parts/states.js";
import { toasts } from "./parts/toast.js";
import { recount } from "./parts/bell.js";
import { here, listen, onRoute } from "./router.js";
import { ensure, redeem } from "./session.js";
import { store } from "./store.js";
import * as missing from "./pages/missing.js";
import * as notifications from "./pages/notifications.js";
import * as overview from "./pages/overview.js";
import * as runs from "./pages/runs.js";
import * as task from "./pages/task.js";
import * as timeline from "./pages/timeline.js";

const PAGES = {
  overview: [overview, "Overview"], timeline: [timeline, "Timeline"], runs: [runs, "Runs"],
  task: [task], notifications: [notifications, "Notifications"], missing: [missing, "Not found"],
};

const build = () => {
  const shell = el("div.shell");
  const menu = (isOpen) => {
    shell.classList.toggle("shell-menu", isOpen);
    top.menu.setAttribute("aria-expanded", String(isOpen));
    if (isOpen) side.element.querySelector("a, button").focus();
  };
  const top = header({ onMenu: () => menu(!shell.classList.contains("shell-menu")) });
  const side = sidebar({ onHelp: help });
  const main = el("main.main", { id: "main", tabindex: "-1" });
  const shade = el("div.shade", { onclick: () => menu(false) });
  shell.addEventListener("keydown", ({ key }) => {
    if (key !== "Escape" || !shell.classList.contains("shell-menu")) return;
    menu(false);
    top.menu.focus();
  });
  fill(shell, side.element, top.element, shade, main);
  document.getElementById("boot").remove();
  document.body.append(el("a.skip", { href: "#main", onclick: (event) => { event.preventDefault(); main.focus(); } }, "Skip to content"), stale().element, shell, toasts());
  onRoute(() => menu(false));
  return { shell, top, main };
};

let page = null;

const show = ({ top, main }) => (isStep) => {
  const target = here();
  const key = `${target.page} ${target.name ?? ""}`;
  if (page?.key === key && page.update) return page.update(target);
  page?.end();
  begin();
  const [module, title] = PAGES[target.page];
  main.className = "main";
  main.scrollTop = 0;
  fill(main);
  document.title = `${target.name ?? title} · runwisp`;
  top.place(target.name ?? title.toLowerCase());
  const mounted = module.mount(main, { store, ...target });
  page = typeof mounted === "function" ? { key, end: mounted } : { key, ...mounted };
  if (isStep) main.focus({ preventScroll: true });
};

const start = async () => {
  const session = redeem().then(ensure);
  hold(session);
  await session;
  await store.start();
  recount().catch(() => {});
};

const parts = build();
begin();
login(parts.shell);
overlay(parts.shell);
listen();
listenToKeys();
const route = show(parts);
const first = async () => {
  const starting = during(start());
  // The page draws its skeleton while the data come.
  route(false);
  onRoute(route);
  try {
    await starting;
  } catch (error) {
    if (error.status === undefined) {
      // Nobody answers: the overlay tells, and what comes back reads everything.
      const end = onConnection(() => {
        if (connection().name !== "connected") return;
        end();
        start().catch(() => {});
      });
    } else fill(parts.main, broken(error, () => location.reload()));
  }
};
first();
