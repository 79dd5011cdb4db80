// The notifiers and how they fare: a row for each channel, and a button that has the daemon send a
// sample and shows here what the other side answered.

import { post, query } from "../api.js";
import { age, now, setAge, setDue } from "../clock.js";
import { byNotifier, channelState, countsOf } from "../alerts.js";
import { el, fill, reconcile, say } from "../dom.js";
import { millis } from "../format.js";
import { look, mark, setMark } from "../marks.js";
import { action } from "./action.js";

export const channels = () => {
  const list = el("ul");
  return {
    element: list,
    update: (settings) => reconcile(list, byNotifier(settings), ({ name }) => name, row, updateRow),
  };
};

const row = ({ name, notifier }) => {
  const answer = el("p.channel-answer", { role: "status" });
  const test = async () => {
    const { delivered, answer: said } = await post(query("/api/notify/test", { channel: name }));
    fill(answer, mark(delivered ? "success" : "failed"),
      el("span", el("b", delivered ? "Sample delivered" : "Sample not delivered"), said && `: ${said}`, " ", age(now(), "quiet")));
  };
  return el("li.channel",
    mark("idle"),
    el("p", el("b.mono", name), el("span.quiet")),
    el("p.quiet"),
    el("div.channel-last", el("span.outcome"), el("time.quiet"), el("span"), el("p.mono.quiet")),
    notifier && action({ name: "Send test", busy: "Sending", className: "channel-test", refused: `${name}: no sample was sent`, act: test }),
    answer);
};

const updateRow = (node, { notifier, channel }) => {
  const [sign, name, counts, last] = node.children;
  const { outcome, text, at, said } = channelState(channel);
  setMark(sign, outcome);
  say(name.lastElementChild, notifier ? notifier.type : "no longer configured");
  say(counts, countsOf(channel));
  const [words, time, next, answer] = last.children;
  words.className = `outcome outcome-${look(outcome)}`;
  say(words, text);
  if (at) setAge(time, at);
  time.hidden = !at;
  const due = millis(channel?.next_try_at);
  if (!due) fill(next);
  else if (!next.firstChild) fill(next, "next try ", age(due));
  if (due) setDue(next.lastElementChild, due);
  say(answer, said ?? "");
};
