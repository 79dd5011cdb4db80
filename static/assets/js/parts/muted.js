// The mark of a task of whose trouble nobody is told for a while.

import { mutedUntil, untilWords } from "../alerts.js";
import { now, zone } from "../clock.js";
import { el, say, set } from "../dom.js";
import { hidden, icon } from "../marks.js";

export const mutedMark = () => el("span.muted-mark", { hidden: true }, icon("mute"), hidden(""));

/** Shows the mark while the task is muted. */
export const updateMuted = (node, task) => {
  const until = mutedUntil(task, now());
  node.hidden = !until;
  const words = until ? `alerts muted ${untilWords(until, now(), zone())}` : "";
  set(node, "title", words || null);
  say(node.lastElementChild, words && `, ${words}`);
};
