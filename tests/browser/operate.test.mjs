// What is operated beside runs: parameters, instances that give up, the configuration, and why.

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { violations, withAxe } from "./lib/axe.mjs";
import { visit } from "./lib/browser.mjs";
import { becomes, counts, hasFocus, isAt, shows, status } from "./lib/looks.mjs";
import { stage } from "./lib/scenes.mjs";
import { world } from "./world.mjs";
import { toml } from "./world/operate.mjs";

const scene = stage(() => world("operate"));
const button = (root, name) => root.getByRole("button", { name, exact: true });

scene("a run is given what somebody chooses, and made again with it", { except: [status(422)] }, async ({ page, daemon }) => {
  await visit(page, "/tasks/deploy");
  await page.keyboard.press("r");
  const form = page.getByRole("dialog", { name: "Run deploy" });
  await hasFocus(form.getByLabel("TARGET"));
  await form.getByLabel("TARGET").selectOption("live");
  const branch = form.getByLabel("--branch=", { exact: true });
  // What is required has no way out, and an error is where it belongs.
  await button(form, "Run Now").click();
  await shows(form.locator(".param", { hasText: "--branch=" }).locator(".form-wrong"), "a value is required");
  await hasFocus(branch);
  assert.equal(await branch.getAttribute("aria-invalid"), "true");
  await branch.fill("v4.2");
  await form.getByLabel("--workers").fill("many");
  await page.keyboard.press("Enter");
  await shows(form.locator(".param", { hasText: "--workers" }).locator(".form-wrong"), "must be a number");
  await shows(form.locator(".param", { hasText: "--branch=" }).locator(".form-wrong"), "");
  await form.getByLabel("--workers").fill("");
  const note = form.locator(".param", { hasText: "note" });
  assert.equal(await note.getByRole("checkbox").isChecked(), true, "no default: left out");
  await note.getByRole("checkbox").uncheck();
  assert.equal(await note.getByRole("textbox").getAttribute("placeholder"), "empty text");
  await form.getByLabel("--migrate").check();
  await button(form, "Run Now").click();
  await counts(form, 0);
  await shows(page.locator(".run-verdict h2"), /^success after/);
  const given = { TARGET: "live", "--branch=": "v4.2", "--workers": null, note: "", "--migrate": "true" };
  const [first] = (await daemon.api("tasks/deploy/runs")).runs;
  assert.deepEqual(first.params, given);
  await shows(page.locator(".run-given"), /--branch= v4\.2.*--workers left out.*TARGET live.*note empty text/);

  await page.goto("/");
  await page.goto(`/tasks/deploy/${first.id}`);
  await button(page, "Run again").click();
  assert.equal(await form.getByLabel("TARGET").locator("option:checked").textContent(), "live");
  await note.getByRole("textbox").fill("again");
  await button(form, "Run Now").click();
  await shows(page.locator(".run-given"), /note again/);
  const [second] = (await daemon.api("tasks/deploy/runs")).runs;
  assert.deepEqual(second.params, { ...given, note: "again" });
  // Which definition it was.
  await page.locator(".folded summary", { hasText: "Definition" }).click();
  await shows(page.locator(".folded pre"), /^\[tasks\.deploy\] group = "Shop".*\[\[tasks\.deploy\.params\]\]/);
  await shows(page.locator(".folded p"), /runwisp\.toml, applied \d{4}-/);
});

scene("a service that gave up needs attention until somebody starts it", {}, async ({ page, daemon }) => {
  await becomes("the end of trying", async () => (await daemon.api("tasks/mailer")).fatal, true);
  await visit(page, "/");
  await shows(page.locator(".verdict p"), /mailer gave up after 2 failed starts/);
  await shows(page.locator('tr[data-key="mailer"]'), /fatal.*Gave up/);
  await page.locator('tr[data-key="mailer"] a').click();
  const lines = page.locator(".instances li");
  await shows(lines.nth(0), /^#0 ?fatal.*failed starts 2$/);
  await shows(page.locator(".task-head .tag"), "gave up");
  await button(page, "Start").click();
  await shows(page.locator(".toast b"), /^mailer: /);
  await becomes("new runs", async () => (await daemon.api("tasks/mailer/runs")).total, (total) => total > 6);
  // Being well is no event, and is seen all the same.
  await page.goto("/tasks/cache");
  await shows(lines, /^#0 ?healthy ?\d+s ?restarts 0$/);
  await page.goto("/tasks/web");
  await shows(page.locator(".task-facts"), /^health true every second ?after cache ?priority 10$/);
  await page.locator(".task-facts a").click();
  await isAt(page, "/tasks/cache");
});

scene("a task is run by a key, and says why it ran or did not", {}, async ({ page, daemon }) => {
  await visit(page, "/tasks/report");
  // One key is pressed by mistake: it asks.
  await page.keyboard.press("r");
  await hasFocus(button(page.getByRole("dialog", { name: "Run report?" }), "Run Now"));
  await page.keyboard.press("Escape");
  assert.equal((await daemon.api("tasks/report/runs")).total, 0);
  await page.keyboard.press("r");
  await page.keyboard.press("Enter");
  await shows(page.locator(".run-verdict h2"), /^success after/);

  await page.locator(".task-line .why").click();
  const dialog = page.getByRole("dialog", { name: "Why did report run, or not?" });
  await shows(dialog.locator(".why-answer"), /^report was not configured at .* 05:00:00 .*: it was added at/);
  assert.match(await dialog.getByLabel("At, in Europe/Prague").inputValue(), /T05:00/);
  // What is asked about is a time of the task's zone.
  await dialog.getByLabel("At, in Europe/Prague").fill("2030-07-01T05:00");
  await button(dialog, "Ask").click();
  await shows(dialog.locator(".why-answer"), /^report is to run at 2030-07-01 05:00:00 CEST, as its schedule says$/);
  await page.keyboard.press("Escape");
  await page.locator(".run-around .why").click();
  await shows(dialog.locator(".why-answer"), /^report ran at .* because somebody started it: success/);
  await dialog.locator(".changes a").first().click();
  await counts(dialog, 0);
  await becomes("the run", () => new URL(page.url()).pathname.split("/").at(-1), /^[0-9A-Z]{26}$/);
});

scene("nothing of it is in the way of anybody", { size: "phone", bypassCSP: true, reducedMotion: "reduce" }, async ({ page, daemon }) => {
  const [run] = (await daemon.api("tasks/deploy/runs")).runs;
  await visit(page, `/tasks/deploy/${run.id}`);
  await withAxe(page);
  await page.locator(".folded summary").click();
  await page.locator(".folded pre").waitFor();
  const found = await violations(page, "run");
  await button(page, "Run again").click();
  await page.locator("dialog[open]").waitFor();
  found.push(...(await violations(page, "form")));
  assert.deepEqual(found, []);
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), 0);
});

scene("a configuration that has changed is read again, or said to be wrong", { except: [status(422)] }, async ({ page, daemon }) => {
  const file = join(daemon.home, "conf.d", "more.toml");
  await visit(page, "/");
  const banner = page.locator(".banner");
  assert.equal(await banner.isHidden(), true);
  mkdirSync(join(daemon.home, "conf.d"));
  writeFileSync(file, '[tasks.prune]\nrum = "true"\n\n[tasks.sweep]\nrun = 5\n');
  await page.reload();
  await shows(banner.locator("p"), /^runwisp\.toml or a file that it reads has changed/);
  await button(banner, "Reload").click();
  const dialog = page.locator("dialog[open]");
  await shows(dialog.locator("h2"), "3 errors in the configuration");
  await counts(dialog.locator(".changes li"), 3);
  await shows(dialog.locator(".changes li").nth(1), /more\.toml:2:1: .*did you mean "run"/);
  await page.keyboard.press("Escape");
  await hasFocus(button(banner, "Reload"));

  writeFileSync(file, '[tasks.prune]\nrun = "true"\n');
  writeFileSync(daemon.config, toml.replace("0 5 * * *", "0 6 * * *"));
  await button(banner, "What would change?").click();
  await shows(dialog.locator("p").first(), "+1 added, ~1 changed");
  await counts(dialog.locator(".changes li"), 2);
  await shows(dialog.locator(".changes li").nth(1), "~report schedule");
  assert.equal((await daemon.api("tasks")).some(({ name }) => name === "prune"), false);
  await button(dialog, "Reload").click();
  await shows(page.locator(".toast b"), "+1 added, ~1 changed");
  await becomes("the banner", () => banner.isHidden(), true);
  await page.locator('.side-item[title="prune"]').click();
  await shows(page.locator(".task-facts"), /^from .*more\.toml$/);

  // It can be asked for at any time, and what one does not want to hear is put away.
  await page.goto("/settings");
  await button(page, "Reload configuration").click();
  await shows(page.locator(".toast b"), "No task has changed");
  writeFileSync(file, "");
  await page.reload();
  await button(banner, "Dismiss").click();
  assert.equal(await banner.isHidden(), true);
});
