// The pages of tasks and services, and what every page has: times, the bell, what is not there.

import assert from "node:assert/strict";
import { Daemon } from "./lib/daemon.mjs";
import { open, visit } from "./lib/browser.mjs";
import { becomes, counts, hasFocus, isAt, shows, status } from "./lib/looks.mjs";
import { stage } from "./lib/scenes.mjs";
import { world } from "./world.mjs";
import { build } from "./world/home.mjs";
import { Past } from "./world/past.mjs";

const HOUR = 3_600_000;

const TOML = `
[scheduler]
timezone = "America/New_York"

[tasks.yearly]
description = "Once a year"
group       = "Calendar"
cron        = "30 2 1 1 *"
run         = "echo happy new year"

[tasks.locked]
api_trigger = false
cron        = "0 0 1 1 *"
run         = "true"

[tasks.fails]
run = "exit 3"

[tasks.one]
on_overlap = "skip"
run        = "sleep 600"

[tasks.queues]
on_overlap = "queue"
run        = "sleep 600"

[services.web]
instances = 2
run       = "sleep 600"
`;

let told;
const WORLD = {
  toml: TOML,
  past(config, now) {
    const past = new Past({ zone: "UTC", since: 0 });
    told = past.add({
      task: "yearly",
      reason: "failed",
      exit: 1,
      createdAt: now - 2 * HOUR,
      endAt: now - 2 * HOUR + 4000,
      lines: [[0, "stderr", "no fireworks"]],
    });
    past.addSession(now - 3 * HOUR, now);
    const at = [1.9, 1.5, 1].map((hours) => now - hours * HOUR);
    past.notify({ run: told, title: "yearly failed", body: "exit 1 after 4s", at });
    past.notify({ run: told, title: "yearly failed again", body: "exit 1", at: [now - HOUR / 2] });
    past.notify({ run: told, title: "yearly failed long ago", body: "exit 1", at: [now - 2 * HOUR], isRead: true });
    return past;
  },
};
const scene = stage(() => build(WORLD));

const button = (page, name) => page.getByRole("button", { name, exact: true });
const head = (page) => page.locator(".task-head");

scene("a schedule is paused and resumed", {}, async ({ page, daemon }) => {
  await visit(page, "/tasks/yearly");
  await shows(head(page), /Once a year.*30 2 1 1 \* ?America\/New_York.*next in \d+d/);
  await button(page, "Pause schedule").click();
  await shows(head(page).locator(".tag"), "schedule paused");
  await shows(page.locator(".toast b"), /^yearly: /);
  assert.equal((await daemon.api("tasks/yearly")).paused, true);
  await page.reload();
  await shows(head(page).locator(".tag"), "schedule paused");
  await button(page, "Resume schedule").click();
  await counts(head(page).locator(".tag"), 0);
  assert.equal((await daemon.api("tasks/yearly")).paused ?? false, false);
});

scene("what may not be started says why", {}, async ({ page, daemon }) => {
  await visit(page, "/tasks/locked");
  await becomes("the button", () => button(page, "Run Now").isDisabled(), true);
  await shows(head(page).locator(".reason"), "locked by api_trigger = false");
  await page.goto("/tasks/one");
  await button(page, "Run Now").click();
  await shows(head(page).locator(".reason"), "already running, one at a time");
  assert.equal(await button(page, "Run Now").isDisabled(), true);
  await page.goto("/tasks/queues");
  await button(page, "Run Now").click();
  await button(page, "Queue run").click();
  await shows(page.locator(".log-state b"), "Run has not started");
  await shows(page.locator(".run-verdict h2"), "pending, waits for a slot");
  // The first one ends, and this one starts where it is looked at.
  const [, first] = (await daemon.api("tasks/queues/runs")).runs;
  await daemon.post(`tasks/queues/runs/${first.id}/stop`);
  await shows(page.locator(".run-verdict h2"), /^running for/);
  for (const name of ["one", "queues"]) await daemon.post(`tasks/${name}/stop`);
});

scene("a service is restarted, stopped and started, and has a line for each instance", {}, async (view) => {
  const { page, daemon } = view;
  await visit(page, "/tasks/web");
  const lines = page.locator(".instances li");
  await counts(lines, 2);
  await shows(lines.nth(0), /^#0 ?starting.*restarts 0/);
  await shows(lines.nth(1), /^#1 ?starting/);
  await shows(page.locator('.side-item[title="web"] .count'), "×2");
  const living = async () => (await daemon.api("runs?task_name=web&status=running")).runs.map(({ id }) => id).sort();
  const before = await living();

  const dialog = page.locator("dialog[open]");
  await button(page, "Restart").click();
  await shows(dialog.locator("h2"), "Restart web?");
  await dialog.getByRole("button", { name: "Restart" }).click();
  await becomes("other runs", living, (now) => now.length === 2 && !now.some((id) => before.includes(id)));
  await shows(lines.nth(0), /^#0 ?starting.*restarts 1/);

  await button(page, "Stop").first().click();
  await shows(dialog.locator("h2"), "Stop web?");
  await dialog.getByRole("button", { name: "Stop" }).click();
  await shows(head(page).locator(".tag"), "stopped");
  await becomes("runs", living, []);
  await shows(lines.nth(1), /^#1 ?stopped/);
  await page.reload();
  await shows(head(page).locator(".tag"), "stopped");
  await button(page, "Start").click();
  await counts(head(page).locator(".tag"), 0);
  await shows(lines.nth(1), /^#1 ?starting/);
  // Choosing an instance shows its run.
  await lines.nth(1).locator("a").click();
  await shows(page.locator(".run-facts"), /instance #1/);
});

scene("times are shown in the zone of the browser or of the schedules", {}, async ({ page }) => {
  await visit(page, `/tasks/yearly/${told.id}`);
  const started = page.locator(".run-facts dd").first();
  const inZone = (timeZone) =>
    new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "medium", timeZone }).format(told.startAt);
  await shows(started, inZone("Europe/Prague"));
  const clock = page.locator(".clock");
  await shows(clock, /^\d\d:\d\d:\d\d Europe\/Prague$/);
  await clock.click();
  await shows(clock, /^\d\d:\d\d:\d\d America\/New_York$/);
  await shows(started, inZone("America/New_York"));
  await page.reload();
  await shows(started, inZone("America/New_York"));
  await clock.click();
  await shows(started, inZone("Europe/Prague"));
});

scene("the bell", {}, async ({ page, daemon }) => {
  await visit(page, "/");
  const bell = page.getByRole("button", { name: /^Notifications/ });
  const badge = page.locator(".bell-count");
  await shows(badge, "2");
  assert.equal(await badge.evaluate((node) => node.classList.contains("bell-calm")), false, "an error is red");
  await bell.click();
  const panel = page.getByRole("dialog", { name: "Notifications" });
  await counts(panel.locator(".notice"), 3);
  await shows(panel.locator(".notice", { hasText: "3×" }), /yearly failed.*3× over 2h, latest 1h ago|3× over 1h/);
  await page.keyboard.press("Escape");
  await counts(panel, 0);
  await hasFocus(bell);
  await bell.click();
  await page.mouse.click(500, 700);
  await counts(panel, 0);
  await bell.click();
  await panel.locator(".notice-title", { hasText: "yearly failed again" }).click();
  await isAt(page, `/tasks/yearly/${told.id}`);
  await counts(panel, 0);
  await shows(badge, "1");
  assert.equal((await daemon.api("notifications/unread-count")).count, 1);

  await bell.click();
  await panel.getByRole("link", { name: "View all" }).click();
  await isAt(page, "/notifications");
  await counts(page.locator("#main .notice"), 3);
  await shows(page.locator(".page-head p"), "1 unread");
  await page.getByRole("button", { name: "Mark all read" }).click();
  await shows(page.locator(".page-head p"), "all read");
  await becomes("the badge", () => badge.isHidden(), true);
  await page.locator("#main .notice").first().getByRole("button", { name: "Mark unread" }).click();
  await shows(page.locator(".page-head p"), "1 unread");
});

scene("a run that is deleted while somebody looks at it", {}, async ({ page, daemon }) => {
  const runs = [];
  for (let n = 0; n < 3; n += 1) {
    const { id } = await daemon.run("yearly");
    await daemon.ended(id);
    runs.push(id);
  }
  await visit(page, `/tasks/yearly/${runs[1]}`);
  await shows(page.locator(".run-verdict h2"), /^success after/);
  await daemon.api(`tasks/yearly/runs/${runs[1]}`, { method: "DELETE" });
  await shows(page.locator(".run-verdict h2"), "This run was deleted");
  await counts(page.locator(`.runs-pane [data-run="${runs[1]}"]`), 0);
  assert.equal(await page.locator(".run-verdict button").count(), 0);
  // Where nobody has chosen, the next one is shown.
  await page.goto("/tasks/yearly");
  const current = page.locator('.run[aria-current="true"]');
  await becomes("the run", () => current.getAttribute("data-run"), runs[2]);
  await daemon.api(`tasks/yearly/runs/${runs[2]}`, { method: "DELETE" });
  await becomes("the run", () => current.getAttribute("data-run"), runs[0]);
  await shows(page.locator(".run-verdict h2"), /^success after/);
});

scene("what the machine looked like when a run failed is there for whoever unfolds it", {}, async ({ page, daemon }) => {
  const { id } = await daemon.run("fails");
  await daemon.ended(id);
  await visit(page, `/tasks/fails/${id}`);
  await shows(page.locator(".run-verdict h2"), /^failed, exit 3 after/);
  const machine = page.locator(".folded", { hasText: "Machine at the time" });
  await counts(machine.locator("pre"), 0);
  await machine.locator("summary").click();
  await shows(machine.locator("pre"), /^Taken .* after the end: exit code 3.*Memory: /);
  const { id: good } = await daemon.run("yearly");
  await daemon.ended(good);
  await page.goto(`/tasks/yearly/${good}`);
  await shows(page.locator(".run-verdict h2"), /^success after/);
  await counts(machine, 0);
});

scene("a run is deleted, and is back after a second thought", {}, async ({ page, daemon }) => {
  const { id } = await daemon.run("yearly");
  await daemon.ended(id);
  await visit(page, `/tasks/yearly/${id}`);
  await button(page, "Delete").click();
  await counts(page.locator(`.runs-pane [data-run="${id}"]`), 0);
  await button(page, "Undo").click();
  await page.locator(`.runs-pane [data-run="${id}"]`).waitFor();
  assert.equal((await daemon.api(`runs/${id}`)).end_reason, "success");
});

scene("what is not there is said", { except: [status(404), status(422)] }, async ({ page }) => {
  await visit(page, "/tasks/nobody");
  await shows(page.locator("h1"), "No such task");
  await visit(page, "/tasks/yearly/01KR05YSHG4P4FVCAD19ZTNC3Q");
  await shows(page.locator("h1"), "yearly");
  await shows(page.locator(".panel-note b"), "No such run");
  await page.getByRole("link", { name: "Newest run" }).click();
  await shows(page.locator(".run-verdict h2"), /after/);
  await visit(page, `/tasks/yearly/not-an-id`);
  await shows(page.locator(".panel-note b"), "No such run");
  await visit(page, `/tasks/yearly?runId=${told.id}`);
  await shows(page.locator(".run-verdict h2"), "failed, exit 1 after 4s");
  await visit(page, "/no/such/page");
  await shows(page.locator("h1"), "Not found");
  await page.locator("#main").getByRole("link", { name: "Overview" }).click();
  await isAt(page, "/");
});

scene("ages are right where the clock of the browser is not", {}, async ({ page, context, daemon }) => {
  await context.addInitScript((offset) => {
    const Real = Date;
    window.Date = class extends Real {
      constructor(...given) {
        super(...(given.length > 0 ? given : [Real.now() + offset]));
      }
      static now() {
        return Real.now() + offset;
      }
    };
  }, 3 * HOUR);
  await visit(page, `/tasks/yearly/${told.id}`);
  // The page's own clock is the daemon's.
  const clock = page.locator(".clock b");
  const here = () => new Intl.DateTimeFormat("en-GB", { timeStyle: "medium", timeZone: "Europe/Prague" }).format();
  await becomes("the clock", async () => (await clock.textContent()).slice(0, 4) === here().slice(0, 4), true);
  const { id } = await daemon.run("yearly");
  await daemon.ended(id);
  await page.goto("/runs");
  await becomes("ages", () => page.locator(".run-table .rel").first().textContent(), "just now");
  await shows(page.locator(".run-table tr", { has: page.locator(`a[href$="${told.id}"]`) }).locator(".rel"), "2h ago");
  await page.goto("/");
  await shows(page.locator('tr[data-key="web"]'), /Always on/);
  const running = await daemon.run("one");
  await shows(page.locator('tr[data-key="one"] [data-since]').first(), /^[0-9]s$/);
  await daemon.post(`tasks/one/runs/${running.id}/stop`);
});

scene("no task at all", { signedIn: false }, async ({ browser }) => {
  const daemon = await Daemon.start({ toml: "" });
  const view = await open(browser, daemon);
  try {
    const { page } = view;
    await visit(page, "/");
    await shows(page.locator(".verdict h1"), "No tasks yet");
    await shows(page.locator(".empty pre"), /^\[tasks\.hello\] cron = /);
    await visit(page, "/runs");
    await shows(page.locator(".empty b"), "No runs yet");
    await visit(page, "/timeline");
    await shows(page.locator(".empty b"), "No tasks yet");
    await visit(page, "/notifications");
    await shows(page.locator(".empty b"), "Nothing to report");
    view.troubles.assertNone();
  } finally {
    await view.context.close();
    await daemon.remove();
  }
});

scene("a thousand tasks", { signedIn: false }, async ({ browser }) => {
  const daemon = await world("thousand");
  const view = await open(browser, daemon);
  try {
    const { page } = view;
    await visit(page, "/");
    const rows = page.locator(".tasks tr[data-key]:not([data-key=more])");
    await shows(page.getByRole("tab", { name: /^All/ }), "All1000");
    await counts(rows, (n) => n > 0 && n < 20);
    const [, all] = await page.locator(".show-all").last().textContent().then((text) => /^Show all (\d+) /.exec(text));
    await page.locator(".show-all").last().click();
    await counts(rows, (n) => n >= Number(all));
    const search = page.getByRole("searchbox", { name: "Search tasks" });
    await search.fill("HARBOUR:");
    const names = page.locator(".tasks .task-name");
    await becomes("names", () => names.allTextContents(), (list) => list.length > 0 && list.every((name) => /harbour:/.test(name)));
    await search.fill("no such thing");
    await shows(page.locator("#task-list .empty b"), "No such task");
    await search.fill("");
    await counts(page.locator("#side .side-item[title]"), 1000);
    await page.getByRole("searchbox", { name: "Filter tasks" }).fill("999");
    await counts(page.locator("#side .side-item[title]"), (n) => n > 0 && n < 5);
    await page.locator('#side .side-item[title^="999"]').click();
    await shows(page.locator("h1"), /^999/);
    assert.match(await page.title(), /^999.* · runwisp$/);
    await page.goto("/timeline");
    await counts(page.locator(".lane"), 1000);
    view.troubles.assertNone();
  } finally {
    await view.context.close();
    await daemon.remove();
  }
});
