// The overview: what is the matter in a sentence, the day, the tasks, and what comes.

import { now, onSecond, onZone } from "../clock.js";
import { el, fill, say } from "../dom.js";
import { daemonPanel, recentActivity, runningNow, upNext } from "../parts/brief.js";
import { day } from "../parts/day.js";
import { figures } from "../parts/figures.js";
import { skeleton } from "../parts/states.js";
import { taskList } from "../parts/task_list.js";
import { taskPath } from "../router.js";
import { all } from "../signal.js";
import { verdict } from "../verdict.js";

export const mount = (root, { store }) => {
  const title = el("h1", "Overview");
  const sentence = el("p");
  const list = taskList({ store });
  const numbers = figures({ store });
  const next = upNext();
  const band = day({ store, onUpcoming: next.update });
  const panels = [runningNow({ store }), recentActivity({ store }), daemonPanel({ store })];
  const body = el("div.overview");
  fill(root, el("div.verdict", el("div", title, sentence), numbers.element), band.element, body);

  let said = "";
  const speak = () => {
    const found = verdict(store.entries(), now());
    const key = JSON.stringify(found);
    if (key === said) return;
    said = key;
    say(title, found.title);
    fill(sentence, clauses(found));
  };

  let isDrawn = false;
  const draw = () => {
    if (!store.isLoaded) return;
    if (!isDrawn) {
      isDrawn = true;
      clearTimeout(patience);
      fill(body, list.element, el("aside.aside", { "aria-label": "At a glance" }, panels[0].element, next.element, panels[1].element, panels[2].element));
    }
    speak();
    list.update();
    numbers.update();
    for (const panel of panels) panel.update();
  };
  const patience = setTimeout(() => isDrawn || fill(body, skeleton(10), skeleton(6)), 150);

  const tick = (at) => {
    if (!isDrawn) return;
    if (Math.floor(at / 1000) % 30 === 0) speak();
    // What was next has begun.
    if (next.nextAt() - at < 1000) setTimeout(next.draw, 1100);
    if (Number.isNaN(next.nextAt()) && Math.floor(at / 1000) % 60 === 0) band.read().catch(() => {});
  };
  draw();
  // Beside the store's own reading.
  band.read().catch(() => {});
  return all(
    () => clearTimeout(patience), store.onChange(draw), store.onSample(() => isDrawn && panels[2].update()),
    onSecond(tick), onZone(draw), onZone(next.draw), numbers.end, band.end,
  );
};

const clauses = ({ clauses: found, more }) => {
  const parts = found.map(({ name, text }) => [el("a.prose-link", { href: taskPath(name) }, name), ` ${text}`]);
  if (!parts.length) return [];
  if (more) parts.push([`${more} more`]);
  const joints = parts.map((part, place) => [place === 0 ? "" : place === parts.length - 1 ? " and " : ", ", part]);
  return [joints, "."];
};
