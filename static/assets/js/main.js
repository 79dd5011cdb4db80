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
import * as overview from "./pages/overview.js";

// The first page is there at once; the others come when they are asked for, or when there is time.
const PAGES = {
  overview: ["Overview", async () => overview],
  timeline: ["Timeline", () => import("./pages/timeline.js")],
  runs: ["Runs", () => import("./pages/runs.js")],
  task: [null, () => import("./pages/task.js")],
  notifications: ["Notifications", () => import("./pages/notifications.js")],
  settings: ["Settings", () => import("./pages/settings.js")],
  missing: ["Not found", () => import("./pages/missing.js")],
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

const REST = 2000;
let page = null;

const show = ({ top, main }) => async (isStep) => {
  const target = here();
  const key = `${target.page} ${target.name ?? ""}`;
  if (page?.key === key) return page.update?.(target);
  page?.end();
  page = { key, end: () => {} };
  begin();
  const [title, load] = PAGES[target.page];
  main.className = "main";
  main.scrollTop = 0;
  fill(main);
  document.title = `${target.name ?? title} · runwisp`;
  top.place(target.name ?? title.toLowerCase());
  const own = page;
  try {
    const { mount } = await during(load());
    // Somebody has gone on meanwhile.
    if (page !== own) return;
    const mounted = mount(main, { store, ...here() });
    Object.assign(page, typeof mounted === "function" ? { end: mounted } : mounted);
  } catch (error) {
    if (page === own) fill(main, broken(error, () => location.reload()));
  }
  if (isStep) main.focus({ preventScroll: true });
};

const start = async () => {
  const session = redeem().then(ensure);
  hold(session);
  await session;
  recount().catch(() => {});
  await store.start();
};

const parts = build();
begin();
login(parts.shell);
overlay(parts.shell);
listen();
listenToKeys();
const route = show(parts);
/** Fetches the other pages, so that going to one waits for nothing. */
const rest = () => Object.values(PAGES).forEach(([, load]) => load().catch(() => {}));
const first = async () => {
  const starting = during(start());
  // The page draws its skeleton while the data come.
  route(false);
  onRoute(route);
  try {
    await starting;
    setTimeout(rest, REST);
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
