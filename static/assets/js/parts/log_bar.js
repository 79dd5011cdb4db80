// The bar above a log: which lines, how they look, finding, the whole file.

import { el, say, set } from "../dom.js";
import { count } from "../format.js";
import { hidden, icon } from "../marks.js";

const TIMES = { off: ["time", "Show times"], time: ["time", "Show times since the start"], offset: ["+offset", "Hide times"] };

/** `onFilter(name)`, `onTime()`, `onWrap()`, `onAnnounce()`, `onFind()`; `raw`: the file's address. */
export const logBar = ({ find, raw, onFilter, onTime, onWrap, onAnnounce, onFind }) => {
  const tool = (onclick, attributes, ...children) => el("button.log-tool", { type: "button", "aria-pressed": "false", onclick, ...attributes }, children);
  const everything = tool(() => onFilter("all"), {}, "all");
  const errors = tool(() => onFilter("stderr"), { title: "Only lines of stderr" }, "stderr");
  const time = tool(onTime, { class: "log-tool log-tool-time" }, "time");
  const wrap = tool(onWrap, { title: "Wrap long lines" }, icon("wrap"), "wrap");
  const aloud = tool(onAnnounce, { class: "log-tool log-tool-aloud", title: "Have a screen reader say new lines" }, "announce", hidden(" new lines"));
  const seek = tool(onFind, { class: "log-tool log-tool-find", "aria-label": "Find in loaded lines" }, icon("search"));
  set(seek, "aria-pressed", null);
  const element = el("div.log-bar", { role: "toolbar", "aria-label": "Log" },
    everything, errors, el("span.log-rule"), time, wrap, aloud,
    el("span.spacer"), seek, find,
    el("a.log-tool.log-download", { href: raw, download: "", title: "Download log" }, icon("down"), el("span", "Download log")));

  const press = (button, isPressed) => set(button, "aria-pressed", String(isPressed));
  return {
    element,
    update({ filter, errors: found, times, isWrapped, isAloud }) {
      press(everything, filter === "all");
      press(errors, filter === "stderr");
      say(errors, found ? `stderr ${count(found)}` : "stderr");
      const [name, next] = TIMES[times];
      say(time, name);
      set(time, "title", next);
      press(time, times !== "off");
      press(wrap, isWrapped);
      press(aloud, isAloud);
    },
  };
};
