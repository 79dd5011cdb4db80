// Alerts: the bell while things go wrong, who is told as the settings show it, a sample that is sent,
// and tasks that are muted, with more than one window open.

import assert from "node:assert/strict";
import { Daemon } from "./lib/daemon.mjs";
import { open, visit } from "./lib/browser.mjs";
import { becomes, counts, isAt, shows, status, textOf } from "./lib/looks.mjs";
import { stage } from "./lib/scenes.mjs";

const TOML = `
[scheduler]
timezone = "Europe/Prague"

[daemon]
external_url = "https://jobs.example.org"

[notify]
default_notifiers = ["inapp"]
coalesce_window   = "2h"

[[notifier]]
id          = "ops"
type        = "slack"
webhook_url = "https://127.0.0.1:9/hook"

[[notifier]]
id    = "phone"
type  = "ntfy"
topic = "spare"
url   = "http://127.0.0.1:9"

[[notification_route]]
match  = { kind = ["run.crashed", "log.disk_pressure"], task = "b*", severity = "warn" }
notify = ["ops:#night"]

[tasks.bad]
run = "echo first; echo the disk is full >&2; exit 3"

[tasks.brief]
expect = { duration = "5m.." }
run    = "true"

[tasks.flaky]
alert_after = 3
run         = "true"

[tasks.slow]
alert_after       = "3/24h"
notify_on_success = ["ops"]
run               = "true"

[tasks.silent]
notify_on_failure = []
run               = "true"

[tasks.watched]
heartbeat = "https://127.0.0.1:9/ping"
run       = "true"

${Array.from({ length: 12 }, (_, n) => `[tasks.plain-${n}]\nrun = "true"`).join("\n")}
`;

const scene = stage(() => Daemon.start({ toml: TOML }));
const finish = async (daemon, task) => daemon.ended((await daemon.run(task)).id);
const bellOf = (page) => page.getByRole("button", { name: /^Notifications/ });
const badgeOf = (page) => page.locator(".bell-count");
const isCalm = (page) => badgeOf(page).evaluate((node) => node.classList.contains("bell-calm"));

scene("the bell fills while somebody looks, and only an error is red", {}, async ({ page, daemon }) => {
  await visit(page, "/");
  assert.equal(await badgeOf(page).isHidden(), true);
  await bellOf(page).click();
  const panel = page.getByRole("dialog", { name: "Notifications" });
  await shows(panel.locator(".empty b"), "Nothing to report");

  await finish(daemon, "brief");
  await shows(badgeOf(page), "1");
  await becomes("a calm badge", () => isCalm(page), true);
  await shows(panel.locator(".notice"), /^warn: brief was too short/);

  await finish(daemon, "bad");
  await shows(badgeOf(page), "2");
  await becomes("a red badge", () => isCalm(page), false);
  const first = panel.locator(".notice").first();
  await shows(first, /^error: bad failed/);
  await shows(first.locator(".notice-body"), /^Exit code 3 after /);
  await shows(first.locator(".notice-tail"), "first the disk is full");
  assert.equal(await first.locator(".chart").count(), 0);

  // The row of an alert that comes again is the same one, on top, with its rhythm.
  await finish(daemon, "brief");
  await shows(first, /^warn: brief was too short/);
  await shows(first.locator(".notice-rhythm"), "2× in the last hour, latest just now");
  await counts(first.locator(".chart rect"), 8);
  await counts(panel.locator(".notice"), 2);
  await shows(badgeOf(page), "2");

  // What a person marks is marked where they look.
  await panel.locator(".notice", { hasText: "bad failed" }).getByRole("button", { name: "Mark read" }).click();
  await shows(badgeOf(page), "1");
  await becomes("a calm badge", () => isCalm(page), true);
  await counts(panel.locator(".notice-read"), 1);
  await panel.getByRole("button", { name: "Mark all read" }).click();
  await counts(panel, 0);
  await becomes("the badge", () => badgeOf(page).isHidden(), true);
});

scene("two windows agree on what was read", {}, async ({ page, context, daemon }) => {
  await finish(daemon, "bad");
  const other = await context.newPage();
  await visit(page, "/notifications");
  await visit(other, "/notifications");
  const row = (one) => one.locator("#main .notice", { hasText: "bad failed" });
  await shows(other.locator(".page-head p"), "1 unread");
  await row(page).getByRole("button", { name: "Mark read" }).click();
  await shows(other.locator(".page-head p"), "all read");
  await becomes("the row", () => row(other).getAttribute("class"), /notice-read/);
  await row(other).getByRole("button", { name: "Mark unread" }).click();
  await shows(page.locator(".page-head p"), "1 unread");
  await becomes("the row", () => row(page).getAttribute("class"), /^(?!.*notice-read)/);
  await page.getByRole("button", { name: "Mark all read" }).click();
  await shows(other.locator(".page-head p"), "all read");
  await becomes("the row", () => row(other).getAttribute("class"), /notice-read/);
});

scene("a click opens the run, or says that it is gone", { except: [status(404)] }, async ({ page, daemon }) => {
  const { id } = await finish(daemon, "bad");
  await visit(page, "/notifications");
  const title = page.locator("#main .notice", { hasText: "bad failed" }).getByRole("button", { name: /bad failed/ });
  await title.click();
  await isAt(page, `/tasks/bad/${id}`);
  await becomes("the badge", () => badgeOf(page).isHidden(), true);
  await daemon.api(`tasks/bad/runs/${id}`, { method: "DELETE" });
  await visit(page, "/notifications");
  await title.click();
  await shows(page.locator(".toast b"), "That run is no longer there");
  await isAt(page, "/notifications");
});

scene("a count that is not known is asked for, and news about a notifier leads to the settings", {}, async ({ page }) => {
  const at = new Date().toISOString();
  const notification = {
    id: "01JTQ6V6Z9M3XK2B8N4C7D5E1F", fingerprint: "00", kind: "notify.misconfigured", severity: "warn", task_name: "", run_id: "",
    title: "A notifier cannot be used", body: "ops: webhook_url_env is not set", count: 1, occurrences: null, created_at: at, last_occurred_at: at,
  };
  await visit(page, "/notifications");
  await page.locator("#main .notice").first().waitFor();
  // The same stream, and one event that a daemon with a broken disk would send.
  const data = JSON.stringify({ notification, unread_count: -1 });
  await page.route("**/api/notifications/unread-count", (route) => route.fulfill({ json: { count: 123 } }));
  let isTold = false;
  await page.route("**/api/stream*", async (route) => {
    if (isTold) return route.continue();
    isTold = true;
    await page.locator("#main .notice").first().waitFor();
    return route.fulfill({ contentType: "text/event-stream", body: `event: notification.created\ndata: ${data}\n\n` });
  });
  await page.reload();
  await shows(badgeOf(page), "99+");
  const row = page.locator("#main .notice", { hasText: "A notifier cannot be used" });
  await row.waitFor();
  await page.route(`**/api/notifications/${notification.id}/read`, (route) => route.fulfill({ status: 204 }));
  await row.locator(".notice-title").click();
  await isAt(page, "/settings");
});

scene("the settings show what the configuration says", {}, async ({ page }) => {
  await visit(page, "/");
  await page.locator(".side-links").getByRole("link", { name: "Settings" }).click();
  await isAt(page, "/settings");
  assert.match(await page.title(), /^Settings · /);
  await shows(page.locator(".page-head p"), /^2 notifiers, read from runwisp.toml (just now|\d+[sm] ago)$/);
  const channel = (name) => page.locator(".channel").filter({ has: page.locator("b", { hasText: new RegExp(`^${name}$`) }) });
  await shows(channel("ops").locator(".channel-last"), "nothing sent yet");
  await shows(channel("ops:#night").locator("p").first(), "ops:#nightslack");
  await shows(channel("phone").locator(".channel-last"), "nothing goes there");

  const terms = page.locator(".terms");
  await shows(terms, /Of a task that says nothing else it goes to dashboard\./);
  await shows(terms, /same task within 2h is one entry in the dashboard and one message/);
  await shows(terms, /Messages link to https:\/\/jobs\.example\.org/);

  const route = page.locator(".rules").first().locator("tbody tr");
  assert.deepEqual(await route.locator(".tag").allTextContents(), ["run.crashed", "log.disk_pressure"]);
  assert.deepEqual(await route.locator(".route-task, .route-severity").allTextContents(), ["b*", "warn or error"]);
  await shows(route.locator(".route-to"), "to ops:#night");

  const groups = page.locator(".rules").last().locator("tbody tr");
  await counts(groups, 6);
  const group = (name) => groups.filter({ has: page.locator(`a[href="/tasks/${name}"]`) });
  await shows(group("flaky").locator(".told-when"), "after 3 failures in a row");
  await shows(group("slow").locator(".told-when"), "after 3 in 24h");
  await shows(group("slow").locator(".told-alert").last(), /succeeded to dashboard, ops/);
  await shows(group("silent"), /disk pressure to dashboard/);
  await shows(group("watched").locator(".told-when"), "at once heartbeat");
  // Many names are folded.
  const many = group("plain-0");
  await counts(many.locator("a"), 8);
  await many.getByRole("button", { name: "and 4 more" }).click();
  await counts(many.locator("a"), 12);
  await many.getByRole("link", { name: "plain-11" }).click();
  await isAt(page, "/tasks/plain-11");
});

scene("a sample is sent, and the answer stands where it was asked for", { except: [status(503)] }, async ({ page }) => {
  await visit(page, "/settings");
  const channel = page.locator(".channel").filter({ has: page.locator("b", { hasText: /^ops$/ }) });
  await channel.getByRole("button", { name: "Send test" }).click();
  await shows(channel.locator(".channel-answer"), /^Sample not delivered/);
  assert.equal(await channel.getByRole("button", { name: "Send test" }).isEnabled(), true);
  await counts(page.locator(".toast"), 0);
  // The other side answers in a way of its own.
  await page.route("**/api/notify/test?channel=phone", (route) => route.fulfill({ json: { channel: "phone", delivered: true, answer: "200 <b>fine</b>" } }));
  const phone = page.locator(".channel").filter({ has: page.locator("b", { hasText: /^phone$/ }) });
  await phone.getByRole("button", { name: "Send test" }).click();
  await shows(phone.locator(".channel-answer"), /^Sample delivered: 200 <b>fine<\/b> just now/);
  // A daemon that refuses says why.
  await page.route("**/api/notify/test?channel=ops*", (route) =>
    route.fulfill({ status: 503, json: { status: 503, title: "Service Unavailable", detail: "the daemon is stopping" } }));
  await channel.getByRole("button", { name: "Send test" }).click();
  await shows(page.locator(".toast"), /ops: no sample was sent.*the daemon is stopping/);
});

scene("the settings are read again while somebody looks", {}, async ({ page }) => {
  await visit(page, "/settings");
  const told = page.locator(".channel").first().locator(".channel-last");
  await shows(told, "nothing sent yet");
  await page.route("**/api/notify", async (route) => {
    const answer = await route.fetch();
    const settings = await answer.json();
    const at = new Date().toISOString();
    Object.assign(settings.channels[0], { pending: 2, attempts: 3, tried_at: at, retry_error: "slack:ops: 503", next_try_at: new Date(Date.now() + 60_000).toISOString() });
    await route.fulfill({ response: answer, json: settings });
  });
  await shows(told, /^failed 3 times so far ?just now ?next try in \d+s ?slack:ops: 503$|in 1m/);
  await shows(page.locator(".channel").first().locator("p").nth(1), "2 waiting");
});

scene("what is muted in one window is muted in the other, until it is over", {}, async ({ page, context, daemon }) => {
  const other = await context.newPage();
  await visit(page, "/tasks/brief");
  await visit(other, "/");
  const mark = (one, scope) => one.locator(scope).locator(".muted-mark");
  const inSide = mark(other, '.side-item[title="brief"]');
  assert.equal(await inSide.isHidden(), true);
  await page.getByRole("button", { name: "Mute alerts until tomorrow" }).click();
  await shows(page.locator(".task-muted"), "alerts muted until tomorrow 08:00");
  await shows(inSide, ", alerts muted until tomorrow 08:00");
  await becomes("the row", async () => (await other.locator(".tasks .muted-mark:visible").count()) > 0, true);
  await other.getByRole("link", { name: "Settings" }).click();
  await becomes("the settings", () => other.locator(".rules .muted-mark:visible").count(), 1);
  const before = (await daemon.api("notifications")).items.length;
  await finish(daemon, "brief");

  await page.getByRole("button", { name: "Unmute alerts" }).click();
  await counts(page.locator(".task-muted"), 0);
  await becomes("the sidebar", () => inSide.isHidden(), true);
  await becomes("the settings", () => other.locator(".rules .muted-mark:visible").count(), 0);
  assert.equal((await daemon.api("notifications")).items.length, before);

  // The clock of the page ends it, without a word from the daemon.
  await daemon.post("tasks/brief/mute", { until: new Date(Date.now() + 3000).toISOString() });
  await shows(page.locator(".task-muted"), /^alerts muted until \d\d:\d\d$|tomorrow/);
  await counts(page.locator(".task-muted"), 0);
  await becomes("the sidebar", () => inSide.isHidden(), true);
  assert.ok((await daemon.api("tasks/brief")).muted_until, "the daemon still has the time that is over");
  await page.getByRole("button", { name: "Mute alerts until tomorrow" }).waitFor();
});

scene("without notifiers the settings say where they are made", { signedIn: false }, async ({ browser }) => {
  const daemon = await Daemon.start({ toml: '[tasks.only]\nrun = "true"\n' });
  const view = await open(browser, daemon);
  try {
    const { page } = view;
    await visit(page, "/settings");
    await shows(page.locator(".empty b"), "No notifiers yet");
    assert.match(await textOf(page.locator(".empty pre")), /^\[notify\] .*\[\[notifier\]\] id/);
    await counts(page.getByRole("heading", { name: "Routes" }), 0);
    await shows(page.locator(".rules tbody"), /^only ?at once ?failed/);
    view.troubles.assertNone();
  } finally {
    await view.context.close();
    await daemon.remove();
  }
});
