// What is folded on the page of a run, and asked for when somebody unfolds it: what the machine
// looked like when it went wrong, and the definition that it ran with.

import { get, ofRun } from "../api.js";
import { exact } from "../clock.js";
import { el, fill, say } from "../dom.js";
import { millis } from "../format.js";

const folded = ({ title, run, path, none, draw }) => {
  const box = el("div");
  const ontoggle = async () => {
    if (box.firstChild) return;
    say(box, "Loading");
    try {
      fill(box, draw(await get(ofRun(run, path))));
    } catch (error) {
      say(box, error.status === 404 ? none : error.message);
    }
  };
  return el("details.folded", { ontoggle }, el("summary", title), box);
};

export const machine = (run) =>
  folded({ title: "Machine at the time", run, path: "/snapshot", none: "Nothing was noted.", draw: (text) => el("pre", { tabindex: 0 }, text) });

// Comments step back, the heads of tables do not.
const line = (text) => [/^\s*#/.test(text) ? el("i", text) : /^\[[^\]]+\]+\s*$/.test(text) ? el("b", text) : text, "\n"];

export const definition = (run) =>
  folded({
    title: "Definition", run, path: "/definition", none: "The configuration that this run is of is no longer kept.",
    draw: ({ file, applied_at: at, text }) => [
      el("p.quiet", file, ", applied ", exact(millis(at))),
      el("pre", { tabindex: 0 }, text.trimEnd().split("\n").map(line)),
    ],
  });
