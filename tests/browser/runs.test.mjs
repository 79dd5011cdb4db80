// The page of all runs: filters that the daemon applies and the address keeps, older ones with
// scrolling, and what is done to many at once.

import assert from "node:assert/strict";
import { Daemon } from "./lib/daemon.mjs";
import { visit } from "./lib/browser.mjs";
import { addressOf, becomes, counts, hasFocus, isAt, shows, status } from "./lib/looks.mjs";
import { stage } from "./lib/scenes.mjs";
import { build } from "./world/home.mjs";
import { Past } from "./world/past.mjs";

const PAGE = 200;
const OLD = 450;
const QUIET = 5;
const MINUTE = 60_000;

const TOML = `
[tasks.good]
run = "echo good"

[tasks.bad]
run = "exit 1"

[tasks.coded]
run = "exit 137"

[tasks.again]
retry_attempts = 1
retry_delay    = "50ms"
run            = "exit 5"

[tasks.waits]
run = "sleep 600"
`;

const WORLD = {
  toml: TOML,
  past(config, now) {
    const past = new Past({ zone: "UTC", since: 0 });
    for (let n = 0; n < OLD; n += 1) {
      past.add({ task: "old", by: "api", reason: "success", createdAt: now - (n + 60) * MINUTE });
    }
    for (let n = 0; n < QUIET; n += 1) {
      past.add({ task: "quiet", reason: "success", createdAt: now - (n / 60 + OLD + 90) * MINUTE });
    }
    past.addSession(now - (OLD + 120) * MINUTE, now);
    return past;
  },
  async liven(daemon) {
    const runs = await Promise.all(["good", "bad", "coded", "again"].map((name) => daemon.run(name)));
    await Promise.all(runs.map(({ id }) => daemon.ended(id)));
    await becomes("the retry", async () => (await daemon.api("runs?task_name=again&status=failed")).total, 2);
  },
};
const RECENT = ["again", "again", "bad", "coded", "good"];
const ALL = RECENT.length + OLD + QUIET;

const scene = stage(() => build(WORLD));

const links = (page) => page.locator(".run-table .run-task a");
const namesOf = async (page) => (await links(page).allTextContents()).sort();
const says = (page) => page.locator(".page-head p");
const chips = (page) => page.locator(".chip");
const panel = (page) => page.getByRole("dialog", { name: "Filter runs" });
const openFilter = (page) => page.getByRole("button", { name: /^Filter ?\d*$/ }).click();

scene("filters narrow the list, and the address keeps them", {}, async ({ page, daemon }) => {
  await visit(page, "/runs");
  await shows(says(page), `${PAGE} of ${ALL}, newest first`);
  await shows(page.locator('[data-status="failed"]'), "failed 4");
  await page.locator('[data-status="failed"]').click();
  await isAt(page, "/runs?status=failed");
  await becomes("the list", () => namesOf(page), ["again", "again", "bad", "coded"]);
  assert.equal(await page.locator('[data-status="failed"]').getAttribute("aria-pressed"), "true");

  await openFilter(page);
  await panel(page).getByLabel("Exit code").fill(">1 <100");
  await panel(page).getByLabel("Exit code").press("Tab");
  await becomes("the list", () => namesOf(page), ["again", "again"]);
  await isAt(page, "/runs?status=failed&exit=%3E1+%3C100");
  await panel(page).getByLabel("Retries only").check();
  await becomes("the list", () => namesOf(page), ["again"]);
  await shows(chips(page).first(), "exit>1 <100");
  await shows(page.getByRole("button", { name: /^Filter/ }).locator(".count"), "2");

  // What is no expression is said, and changes nothing.
  await panel(page).getByLabel("Exit code").fill("many");
  await panel(page).getByLabel("Exit code").press("Tab");
  await shows(panel(page).getByRole("alert"), "Exit code: a number, >100 or >100 <150");
  assert.match(addressOf(page), /exit=%3E1/);
  await page.keyboard.press("Escape");
  await counts(panel(page), 0);

  const address = addressOf(page);
  await page.reload();
  await becomes("the list", () => namesOf(page), ["again"]);
  await isAt(page, address);
  await page.getByRole("button", { name: "Remove filter only retries" }).click();
  await becomes("the list", () => namesOf(page), ["again", "again"]);
  await page.goBack();
  await becomes("the list", () => namesOf(page), ["again"]);
  await openFilter(page);
  await panel(page).getByRole("button", { name: "Clear all" }).click();
  await isAt(page, "/runs");
  await counts(chips(page), 0);
  await shows(says(page), `${PAGE} of ${ALL}, newest first`);

  // By task and by search.
  await page.goto("/runs?task=coded");
  await becomes("the list", () => namesOf(page), ["coded"]);
  await shows(page.locator(".run-table td").last(), "137");
  const search = page.getByRole("searchbox", { name: "Search runs" });
  await page.getByRole("button", { name: "Remove filter task coded" }).click();
  await search.fill("oo");
  await search.press("Enter");
  await isAt(page, "/runs?q=oo");
  await becomes("the list", () => namesOf(page), ["good"]);
  // One that starts and is not wanted does not appear; one that is does.
  const bad = await daemon.run("bad");
  const good = await daemon.run("good");
  await counts(links(page), 2);
  assert.equal(await page.locator(`a[href$="${bad.id}"]`).count(), 0);
  assert.equal(await page.locator(`a[href$="${good.id}"]`).count(), 1);
  await search.fill("nothing at all");
  await search.press("Enter");
  await shows(page.locator(".empty b"), "No run matches");
});

scene("an address that makes no sense shows everything it can", {}, async ({ page }) => {
  await visit(page, "/runs?status=nonsense,success&exit=many&from=yesterday&by=nobody&task=good");
  await becomes("the list", async () => (await namesOf(page)).includes("good"), true);
  await becomes("the chips", () => chips(page).allTextContents(), ["statussuccess", "taskgood"]);
});

scene("older runs come with scrolling, each once", {}, async ({ page }) => {
  await visit(page, "/runs");
  const ids = () => links(page).evaluateAll((all) => all.map((link) => link.href));
  await counts(links(page), PAGE);
  await page.getByRole("button", { name: "Fold quiet runs" }).click();
  const total = Number((await says(page).textContent()).match(/of (\d+)/)[1]);
  for (let shown = PAGE; shown < total; shown = Math.min(total, shown + PAGE)) {
    await links(page).last().scrollIntoViewIfNeeded();
    await counts(links(page), (n) => n > shown || n === total);
  }
  await becomes("rows", async () => (await ids()).length, total);
  assert.equal(new Set(await ids()).size, total);
  await shows(says(page), `${total}, newest first`);
});

scene("quiet runs are one line that opens", {}, async ({ page }) => {
  await visit(page, "/runs?task=quiet");
  const fold = page.locator(".fold").first();
  await shows(fold, `quiet ×${QUIET}`);
  await counts(links(page), 0);
  await fold.click();
  await counts(links(page), QUIET);
  assert.equal(await fold.getAttribute("aria-expanded"), "true");
  await fold.click();
  await counts(links(page), 0);
  // Nothing is folded where somebody does not want it.
  await page.getByRole("button", { name: "Fold quiet runs" }).click();
  await counts(links(page), QUIET);
});

scene("sorting is the daemon's", {}, async ({ page }) => {
  await visit(page, "/runs");
  await page.getByRole("button", { name: /^exit/ }).click();
  await becomes("the first row", async () => (await links(page).allTextContents())[0], "coded");
  await shows(says(page), /by exit code$/);
  assert.equal(await page.locator('th[data-field="exit_code"]').getAttribute("aria-sort"), "descending");
});

scene("runs are picked, run again, cancelled, and deleted with a way back", {}, async ({ page, daemon }) => {
  const waiting = await daemon.run("waits");
  await visit(page, "/runs?task=waits");
  await page.getByRole("button", { name: "Select", exact: true }).click();
  const bar = page.getByRole("region", { name: "Selected runs" });
  await shows(bar.locator("b"), "Pick runs");
  assert.equal(await bar.getByRole("button", { name: "Delete" }).isDisabled(), true);
  await page.getByRole("checkbox", { name: "Select the run of waits" }).check();
  await shows(bar.locator("b"), "1 picked");
  await bar.getByRole("button", { name: "Cancel" }).click();
  await shows(page.locator(".toast b"), "Cancelled 1 run");
  assert.equal((await daemon.ended(waiting.id)).end_reason, "stopped");
  await shows(page.locator(".run-table .cell-status"), "stopped");

  // A range with Shift; what has not ended stays.
  await page.goto("/runs");
  await page.locator(".run-table tbody tr").first().waitFor();
  const running = await daemon.run("waits");
  await page.locator(`a[href$="${running.id}"]`).waitFor();
  await page.getByRole("button", { name: "Select", exact: true }).click();
  const boxes = page.locator(".run-table .pick");
  await boxes.nth(0).click();
  await boxes.nth(2).click({ modifiers: ["Shift"] });
  await shows(bar.locator("b"), "3 picked");
  const before = (await daemon.api("runs")).total;
  await bar.getByRole("button", { name: "Delete" }).click();
  const toast = page.locator(".toast", { has: page.getByRole("button", { name: "Undo" }) });
  await shows(toast.locator("b"), "Deleted 2 runs");
  assert.equal((await daemon.api("runs")).total, before - 2);
  await toast.getByRole("button", { name: "Undo" }).click();
  await becomes("what came back", async () => (await daemon.api("runs")).total, before);
  await daemon.post(`tasks/waits/runs/${running.id}/stop`);

  // All that match, run again.
  await page.goto("/runs?task=coded");
  await page.getByRole("button", { name: "Select", exact: true }).click();
  await page.getByRole("button", { name: /^All 1 that match$/ }).click();
  await bar.getByRole("button", { name: "Run again" }).click();
  await shows(page.locator(".toast b").last(), "Started 1 run");
  await becomes("the list", () => namesOf(page), ["coded", "coded"]);
  await counts(bar.locator("button:visible"), 0);
});

scene("a run that ends while a page asks for it has ended there", {}, async ({ page, daemon }) => {
  await visit(page, "/");
  const name = page.locator('.side-item[title="waits"] .side-name');
  for (const [link, asked, shown] of [
    [name, /\/api\/tasks\/waits\/runs\?/, ".run-verdict h2"],
    [page.getByRole("link", { name: "All runs", exact: true }), /\/api\/runs\?.*limit=200/, ".run-table .cell-status"],
  ]) {
    const { id } = await daemon.run("waits");
    await shows(name, /running$/);
    const late = async (route) => {
      // The page hears of the end before it gets this answer.
      const response = await route.fetch();
      await daemon.post(`tasks/waits/runs/${id}/stop`);
      await shows(name, /stopped$/);
      await route.fulfill({ response });
    };
    await page.route(asked, late, { times: 1 });
    await link.click();
    await shows(page.locator(shown).first(), /^stopped/);
  }
});

scene("many are deleted only after a question", {}, async ({ page, daemon }) => {
  await visit(page, "/runs?task=old");
  await page.getByRole("button", { name: "Select", exact: true }).click();
  await page.getByRole("button", { name: `All ${OLD} that match` }).click();
  const bar = page.getByRole("region", { name: "Selected runs" });
  await shows(bar.locator("b"), `${OLD} picked`);
  const button = bar.getByRole("button", { name: "Delete" });
  await button.click();
  const dialog = page.locator("dialog[open]");
  await shows(dialog.locator("h2"), `Delete ${OLD} runs?`);
  await page.keyboard.press("Escape");
  await counts(dialog, 0);
  await hasFocus(button);
  assert.equal((await daemon.api("runs?task_name=old")).total, OLD);
  await page.keyboard.press("Escape");
  await counts(bar.locator("button:visible"), 0);
});

scene("what the daemon refuses is said, and can be tried again", { except: [status(500), status(429)] }, async ({ page }) => {
  const refuse = (code, detail) => (route) =>
    route.fulfill({
      status: code,
      contentType: "application/problem+json",
      body: JSON.stringify({ title: "x", status: code, detail }),
    });
  for (const [code, detail, path, pattern] of [
    [500, "the disk is full", "/runs", /\/api\/runs\?.*limit=200&sort/],
    [429, "too much at once", "/timeline", /\/api\/timeline/],
    [500, "the disk is full", "/notifications", /\/api\/notifications\?/],
    [500, "the disk is full", "/tasks/good", /\/api\/tasks\/good\/runs\?/],
  ]) {
    await page.route(pattern, refuse(code, detail));
    await visit(page, path);
    const alert = page.locator(".empty[role=alert]");
    await shows(alert.locator("b"), "This could not be loaded");
    await shows(alert.locator("p"), detail);
    await counts(page.locator(".veil, .login"), 0);
    await page.unroute(pattern);
    await alert.getByRole("button", { name: "Retry" }).click();
    await counts(alert, 0);
    await shows(page.locator("h1"), /^(Runs|Timeline|Notifications|good)$/);
  }
  // The log of a run, and an action.
  await page.route(/\/log\?/, refuse(500, "the log cannot be read"));
  await page.reload();
  await shows(page.locator(".log-state b"), /could not be loaded$/);
  await shows(page.locator(".log-state p"), "the log cannot be read");
  await page.unroute(/\/log\?/);
  await page.locator(".log-state").getByRole("button", { name: "Retry" }).click();
  await shows(page.locator(".log-rows .line-text").first(), "good");
  await page.route(/\/api\/tasks\/good\/run$/, refuse(429, "not now"));
  await page.getByRole("button", { name: "Run Now" }).click();
  const toast = page.locator(".toast");
  await shows(toast.locator("b"), "good was not started");
  await shows(toast.locator("p"), "not now");
  assert.equal(await page.getByRole("button", { name: "Run Now" }).isEnabled(), true);
});

scene("the start itself is refused", { except: [status(500)] }, async ({ page }) => {
  const pattern = /\/api\/tasks$/;
  await page.route(pattern, (route) =>
    route.fulfill({ status: 500, contentType: "application/problem+json", body: '{"detail":"cannot read"}' }),
  );
  await page.goto("/");
  const alert = page.locator(".empty[role=alert]");
  await shows(alert.locator("p"), "cannot read");
  await page.unroute(pattern);
  await alert.getByRole("button", { name: "Retry" }).click();
  await shows(page.locator(".verdict h1"), /attention$/);
});
