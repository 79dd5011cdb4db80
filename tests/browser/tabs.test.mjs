// More than one tab: each knows what was done in the others, and none starves.

import assert from "node:assert/strict";
import { Daemon } from "./lib/daemon.mjs";
import { visit } from "./lib/browser.mjs";
import { listener, speaker } from "./lib/fifo.mjs";
import { hasLines } from "./lib/logs.mjs";
import { becomes, shows } from "./lib/looks.mjs";
import { lookAt, plant } from "./lib/sight.mjs";
import { stage } from "./lib/scenes.mjs";

/** As many connections as a browser opens to a host. */
const TABS = 6;

const TOML = `
[tasks.quick]
cron = "0 0 1 1 *"
run  = "echo quick"

[tasks.talk]
run = """${listener("talk")}"""

[tasks.flip]
run = """${listener("flip")}"""
`;

const say = {};
const scene = stage(async () => {
  const daemon = await Daemon.start({ toml: TOML });
  for (const name of ["talk", "flip"]) say[name] = speaker(daemon, name);
  return daemon;
});

scene("a run that is started in one tab appears in the other", {}, async ({ page, context }) => {
  const other = await context.newPage();
  await visit(page, "/tasks/talk");
  await visit(other, "/runs");
  await shows(other.locator(".empty b"), "No runs yet");
  await page.getByRole("button", { name: "Run Now" }).click();
  const row = other.locator(".run-table tr", { has: other.locator('a[href*="/tasks/talk/"]') });
  await shows(row.locator(".cell-status"), "running");
  say.talk("exit 4");
  await shows(row.locator(".cell-status"), "failed");
  await shows(row.locator("td").last(), "4");
});

scene("a schedule that is paused in one tab is paused in the other", {}, async ({ page, context }) => {
  const other = await context.newPage();
  await visit(page, "/tasks/quick");
  await visit(other, "/");
  const item = other.locator('.side-item[title="quick"] .count');
  await shows(item, "");
  await page.getByRole("button", { name: "Pause schedule" }).click();
  await shows(item, "paused");
  await page.getByRole("button", { name: "Resume schedule" }).click();
  await shows(item, "");
});

scene("six tabs, and none starves", {}, async ({ page, context, daemon }) => {
  await plant(context);
  const { id } = await daemon.run("talk");
  const log = `/tasks/talk/${id}`;
  const pages = [];
  for (const path of [log, "/", "/runs", "/timeline", "/notifications", log]) {
    const next = pages.length === 0 ? page : await context.newPage();
    await visit(next, path);
    pages.push(next);
    if (pages.length < TABS) await next.evaluate(() => window.setHidden(true));
  }
  // Whichever is looked at is up to date and answers.
  const lines = [];
  for (const [n, one] of pages.entries()) {
    const outcome = n % 2 ? "success" : "failed";
    say.flip(`exit ${n % 2 ? 0 : 1}`);
    await daemon.ended((await daemon.run("flip")).id);
    lines.push(`line ${n}`);
    say.talk(lines.at(-1));
    await lookAt(pages, one);
    await shows(one.locator('.side-item[title="flip"]'), `flip, ${outcome}`);
    if (one.url().endsWith(log)) {
      await hasLines(one, lines);
      lines.push("live");
      say.talk("live");
      await hasLines(one, lines);
    }
    await one.getByRole("link", { name: "All runs", exact: true }).click();
    await one.locator(`.run-table a[href$="${id}"]`).waitFor();
  }
  say.talk("exit 0");
  await shows(pages.at(-1).locator('.side-item[title="talk"]'), "talk, success");
});

scene("six windows side by side, and none starves", {}, async ({ page, context, daemon }) => {
  const { id } = await daemon.run("talk");
  const pages = [page];
  while (pages.length < TABS) pages.push(await context.newPage());
  for (const [n, one] of pages.entries()) await visit(one, n % 3 ? "/" : `/tasks/talk/${id}`);
  // All can be seen, and all show what happens: some at once, the others a little later.
  say.flip("exit 1");
  await daemon.run("flip");
  for (const one of pages) await shows(one.locator('.side-item[title="flip"]'), "flip, failed");
  // Whichever is used is live.
  const lines = [];
  for (const [n, one] of pages.entries()) {
    await one.mouse.move(700, 500);
    lines.push(`line ${n}`);
    say.talk(lines.at(-1));
    if (n % 3 === 0) await hasLines(one, lines);
    await one.getByRole("link", { name: "All runs", exact: true }).click();
    await one.locator(`.run-table a[href$="${id}"]`).waitFor();
  }
  say.talk("exit 0");
  await shows(pages.at(-1).locator('.side-item[title="talk"]'), "talk, success");
});

scene("the theme is switched, kept, and followed by the other tab", {}, async ({ page, context }) => {
  await context.addInitScript(() => {
    // Before there is anything to paint.
    new MutationObserver(() => {
      if (document.body) window.themeAtStart ??= document.documentElement.dataset.theme ?? "none";
    }).observe(document, { childList: true, subtree: true });
  });
  const other = await context.newPage();
  const theme = (tab) => tab.evaluate(() => document.documentElement.dataset.theme ?? "none");
  const ground = (tab) => tab.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await visit(page, "/");
  await visit(other, "/runs");
  assert.equal(await page.evaluate(() => window.themeAtStart), "none");
  const light = await ground(page);
  const button = page.getByRole("button", { name: /^Theme:/ });
  const nameOf = () => button.getAttribute("aria-label");
  assert.equal(await nameOf(), "Theme: follows the system");
  await button.click();
  assert.equal(await nameOf(), "Theme: light");
  assert.equal(await theme(page), "light");
  await becomes("the other tab", () => theme(other), "light");
  await button.click();
  assert.equal(await theme(page), "dark");
  assert.notEqual(await ground(page), light);
  await becomes("the other tab", () => theme(other), "dark");
  await becomes("the other tab's switch", () => other.locator(".theme-switch").getAttribute("aria-label"), "Theme: dark");
  for (const tab of [page, other]) {
    await tab.reload();
    assert.equal(await tab.evaluate(() => window.themeAtStart), "dark");
    assert.notEqual(await ground(tab), light);
  }
  await page.getByRole("button", { name: /^Theme:/ }).click();
  assert.equal(await theme(page), "none");
  // Which follows the system by itself.
  await becomes("light", () => ground(page), light);
  await page.emulateMedia({ colorScheme: "dark" });
  await becomes("dark", async () => (await ground(page)) !== light, true);
});
