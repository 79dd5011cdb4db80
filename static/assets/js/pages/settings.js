// Who is told of what, as the configuration has it, and how the notifiers fare. Nothing is changed
// here; a task is muted on its own page.

import { get } from "../api.js";
import { age, now, onSecond, onZone, zone } from "../clock.js";
import { afterWords, groupTasks, IN_APP, kindWord, mutedUntil, numbers } from "../alerts.js";
import { el, fill } from "../dom.js";
import { millis, plural } from "../format.js";
import { hidden } from "../marks.js";
import { channels } from "../parts/channels.js";
import { mutedMark, updateMuted } from "../parts/muted.js";
import { previewButton, reloadButton } from "../parts/reload.js";
import { empty, loading } from "../parts/states.js";
import { taskPath } from "../router.js";
import { all } from "../signal.js";

/** How often everything is read again while somebody looks. */
const REST = 10_000;
/** Names of a group that are shown without being asked for. */
const FEW = 8;
const EXAMPLE = '[notify]\ndefault_notifiers = ["inapp", "ops"]\n\n[[notifier]]\nid = "ops"\ntype = "slack"\nwebhook_url_env = "SLACK_WEBHOOK"';

export const mount = (root, { store }) => {
  const says = el("p");
  const box = el("div");
  const senders = channels();
  const rules = el("div");
  const opened = new Set();
  let settings = null;
  let tasks = [];
  let readAt = 0;
  let drawn = "";
  let isOver = false;
  fill(root, el("div.page-head", el("h1", "Settings"), says, el("div.actions", previewButton(), reloadButton({ name: "Reload configuration" }))), box);

  // What has just been muted is in the store before it is read here.
  const newest = (task) => store.tasks.get(task.name) ?? task;

  const nameOf = (task) => {
    const muted = mutedMark();
    updateMuted(muted, newest(task));
    return el("span.told-name", el("a.prose-link", { href: taskPath(task.name) }, task.name), muted);
  };

  const group = ({ key, tasks: all, alerts, after, heartbeat }) => {
    const few = opened.has(key) || all.length <= FEW + 1 ? all : all.slice(0, FEW);
    return el("tr",
      el("td.told-names", few.map(nameOf), few.length < all.length &&
        el("button.link.told-more", { onclick: () => { opened.add(key); draw(); } }, `and ${all.length - few.length} more`)),
      el("td.told-when", afterWords(after), heartbeat && [" ", el("span.tag", "heartbeat")]),
      el("td", alerts.map(([kinds, to]) => el("p.told-alert", chips(kinds, kindWord), goal(to))), !alerts.length && "nobody is told"));
  };

  const route = ({ kinds, task, severity, notify }) => el("tr",
    el("td", chips(kinds, String)),
    el("td.route-task.mono", task ?? "any"),
    el("td.route-severity", { info: "any", warn: "warn or error" }[severity] ?? severity),
    el("td.route-to", goal(notify)));

  const draw = () => {
    if (!settings) return;
    const { notifiers, routes, default_notifiers: usual } = settings;
    senders.update(settings);
    fill(says, notifiers.length > 0 && `${plural(notifiers.length, "notifier")}, `, "read from runwisp.toml ", store.info && age(millis(store.info.config_loaded_at)));
    // The rest stays as it is, with what has the focus, unless it says something else.
    const { channels: _, ...fixed } = settings;
    const face = JSON.stringify([fixed, tasks, tasks.map((task) => mutedUntil(newest(task), now())), [...opened], zone()]);
    if (face === drawn) return;
    drawn = face;
    fill(rules,
      section("Defaults and limits", el("dl.terms",
        term("Trouble", "Of a task that says nothing else it goes ", usual.length ? ["to ", targets(usual)] : "nowhere", "."),
        numbers(settings).map(([title, text]) => term(title, text)))),
      routes.length > 0 && section("Routes", table(["Alert", "Task", "Severity", "Goes to"], routes.map(route))),
      section("Who is told", table(["Tasks", "When", "Alerts and where they go"], groupTasks(tasks).map(group))));
    if (!rules.isConnected) {
      fill(box, section("Notifiers", notifiers.length
        ? senders.element
        : empty("No notifiers yet", ["Alerts are listed in the dashboard and go nowhere else. Notifiers are configured in ", el("span.mono", "runwisp.toml"), ":"], EXAMPLE)), rules);
    }
  };

  // Of who is told only another daemon says something else.
  const ask = (isAll) => {
    readAt = Date.now();
    return Promise.all([get("/api/notify"), isAll ? get("/api/notify/tasks") : tasks]);
  };
  const take = (found) => {
    [settings, tasks] = found;
    if (!isOver) draw();
  };
  const cancel = loading(box, { rows: 10, load: () => ask(true), draw: take });
  // What cannot be read again stays as it was; the next time is soon.
  const again = (isAll) => { if (settings) ask(isAll).then(take, () => {}); };
  return all(
    () => { isOver = true; }, cancel, onSecond(() => Date.now() - readAt > REST && again(false)),
    store.onStale(() => again(true)), store.onChange(draw), onZone(draw),
  );
};

const section = (title, ...content) => el("section.settings-part", el("h2.section-head", title), content);

const table = (titles, rows) =>
  el("table.rules", el("thead", el("tr", titles.map((title) => el("th", { scope: "col" }, title)))), el("tbody", rows));

const term = (title, ...content) => [el("dt", title), el("dd", content)];

const chips = (kinds, words) => el("span.kinds", kinds.map((kind) => el("span.tag", { title: kind }, words(kind))));

const goal = (to) => [hidden(" to "), el("span.goal", targets(to))];

const targets = (to) => to.map((channel, place) => [
  place > 0 && ", ",
  channel === IN_APP ? el("span", { title: IN_APP }, "dashboard") : el("span.mono", channel),
]);
