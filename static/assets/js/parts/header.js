// The bar on top: where one is, what time it is there, theme, bell.

import { now, onSecond, onZone, toggleZone, zone } from "../clock.js";
import { el, fill, say, set } from "../dom.js";
import { clock } from "../format.js";
import { icon } from "../marks.js";
import { keep, onSetting, setting } from "../settings.js";
import { all } from "../signal.js";
import { bell } from "./bell.js";

const THEMES = { auto: ["theme", "follows the system"], light: ["sun", "light"], dark: ["moon", "dark"] };

const browserZone = () => Intl.DateTimeFormat().resolvedOptions().timeZone;

export const header = ({ onMenu }) => {
  const menu = el("button.button.button-bare.button-icon.menu-button", {
    "aria-label": "Menu", "aria-controls": "side", "aria-expanded": "false", onclick: onMenu,
  }, icon("menu"));
  const crumbs = el("p.crumbs");
  const time = el("button.clock", { onclick: toggleZone }, el("b"), el("span"));
  const theme = el("button.button.button-bare.button-icon.theme-switch", { onclick: nextTheme });
  const notifications = bell();
  const element = el("header.top", menu, crumbs, time, theme, notifications.element);

  const tick = () => {
    say(time.firstElementChild, clock(now(), zone()));
    say(time.lastElementChild, ` ${zone() ?? browserZone()}`);
    set(time, "title", zone()
      ? "Times are in the zone of the schedules; press for the browser's own"
      : "Times are in the zone of this browser; press for that of the schedules");
  };
  const drawTheme = () => {
    const [glyph, words] = THEMES[setting("theme", "auto")] ?? THEMES.auto;
    fill(theme, icon(glyph));
    set(theme, "aria-label", `Theme: ${words}`);
    set(theme, "title", `Theme: ${words}`);
  };
  tick();
  drawTheme();
  return {
    element,
    menu,
    /** Where one is: the last part of the path, as text. */
    place: (text) => fill(crumbs, "runwisp / ", el("b", text)),
    end: all(onSecond(tick), onZone(tick), onSetting((name) => name === "theme" && drawTheme()), notifications.end),
  };
};

const nextTheme = () => {
  const names = Object.keys(THEMES);
  keep("theme", names[(names.indexOf(setting("theme", "auto")) + 1) % names.length]);
  // The small script in the head applies it.
  dispatchEvent(new Event("runwisp:theme"));
};
