// What the machine looked like when a run went wrong: folded, and asked for when somebody unfolds it.

import { get, ofRun } from "../api.js";
import { el, say } from "../dom.js";

export const machine = (run) => {
  const text = el("pre", { tabindex: 0 });
  const ontoggle = async () => {
    if (text.textContent) return;
    say(text, "Loading");
    try {
      say(text, await get(ofRun(run, "/snapshot")));
    } catch (error) {
      say(text, error.status === 404 ? "Nothing was noted." : error.message);
    }
  };
  return el("details.machine", { ontoggle }, el("summary", "Machine at the time"), text);
};
