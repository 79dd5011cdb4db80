// The line on top when the configuration on disk is not the one that runs.

import { get } from "../api.js";
import { el } from "../dom.js";
import { icon, mark } from "../marks.js";
import { store } from "../store.js";
import { previewButton, reloadButton } from "./reload.js";

/** How often it is asked while somebody looks; there is no event for it. */
const EVERY = 60_000;

export const stale = () => {
  let info = null;
  let dismissed = null;
  const banner = el("div.banner", { role: "status", hidden: true }, mark("partial"),
    el("p", el("span.mono", "runwisp.toml"), " or a file that it reads has changed. The daemon still runs what it had read."),
    el("span.banner-actions", previewButton(), reloadButton({}),
      el("button.button.button-bare.button-icon", {
        "aria-label": "Dismiss", onclick: () => {
          dismissed = info.config_loaded_at;
          banner.hidden = true;
        },
      }, icon("close"))));
  const draw = (next) => {
    if (!next || next === info) return;
    info = next;
    banner.hidden = !info.config_stale || dismissed === info.config_loaded_at;
  };
  store.onChange(() => draw(store.info));
  setInterval(() => {
    if (!document.hidden && store.isLoaded) get("/api/info").then(draw).catch(() => {});
  }, EVERY);
  return { element: banner };
};
