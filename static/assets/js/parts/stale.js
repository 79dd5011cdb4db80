// The line on top when the configuration on disk is not the one that runs.

import { get } from "../api.js";
import { el } from "../dom.js";
import { icon, mark } from "../marks.js";
import { store } from "../store.js";

/** How often it is asked while somebody looks; there is no event for it. */
const EVERY = 60_000;

export const stale = () => {
  let dismissed = null;
  const banner = el("div.banner", { role: "status", hidden: true }, mark("partial"),
    el("p", el("span.mono", "runwisp.toml"), " has changed since the daemon read it. Restart the daemon to apply it: ", el("span.mono", "runwisp restart"), "."),
    el("button.button.button-bare.button-icon", {
      "aria-label": "Dismiss", onclick: () => {
        dismissed = store.info?.started_at;
        banner.hidden = true;
      },
    }, icon("close")));
  const draw = (info) => {
    banner.hidden = !info?.config_stale || dismissed === info.started_at;
  };
  store.onChange(() => draw(store.info));
  setInterval(() => {
    if (!document.hidden && store.isLoaded) get("/api/info").then(draw).catch(() => {});
  }, EVERY);
  return { element: banner };
};
