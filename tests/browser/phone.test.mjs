// The dashboard on a phone: nothing is wider than the screen, everything can be hit with a thumb.

import assert from "node:assert/strict";
import { visit } from "./lib/browser.mjs";
import { addressOf, becomes, counts, hasFocus, isAt, shows, status } from "./lib/looks.mjs";
import { linesOf } from "./lib/logs.mjs";
import { stage } from "./lib/scenes.mjs";
import { world } from "./world.mjs";

const scene = stage(() => world("little"));
const PHONE = { size: "phone" };
/** So many pages in a row hold more streams than one address may, until the daemon sees that they are gone. */
const HURRIED = { ...PHONE, except: [status(503)] };
/** Of the design: the shortest side of what a thumb has to hit. */
const TARGET = 40;

/** What reaches beyond the right edge of the page. */
const overflow = (page) =>
  page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    const main = document.getElementById("main");
    return { page: scrollWidth - clientWidth, main: main.scrollWidth - main.clientWidth };
  });

/** Controls of which the middle `size` pixels, up and down, left and right, do not all belong to them. */
const small = (page, size) =>
  page.evaluate((wanted) => {
    const found = [];
    const half = wanted / 2 - 1;
    const scope = document.querySelector("dialog[open], .popover") ?? document.querySelector(".shell");
    for (const node of scope.querySelectorAll("button, select, input, summary, .side-item, .run, [role=tab]")) {
      if (!node.checkVisibility({ visibilityProperty: true }) || node.disabled || node.closest("[inert]")) continue;
      node.scrollIntoView({ block: "center", inline: "center" });
      const own = node.closest("label") ?? node;
      const { left, top, width, height } = own.getBoundingClientRect();
      if (left + width <= 0 || left >= innerWidth || width === 0) continue;
      const isHit = ([dx, dy]) => {
        const there = document.elementFromPoint(left + width / 2 + dx, top + height / 2 + dy);
        return own.contains(there) || there?.contains(own) === false && there?.closest("label") === own;
      };
      const sides = [[0, -half], [0, half], [-half, 0], [half, 0], [0, 0]];
      if (!sides.every(isHit)) {
        found.push(`${node.tagName} ${node.className} "${(node.ariaLabel ?? node.textContent).slice(0, 30)}" ${Math.round(width)}×${Math.round(height)}`);
      }
    }
    return [...new Set(found)];
  }, size);

scene("no page is wider than the screen, and controls are large enough", HURRIED, async ({ page, daemon }) => {
  const [run] = (await daemon.api("runs?limit=1&task_name=backup-vault&status=failed")).runs;
  const problems = [];
  for (const path of [
    "/",
    "/timeline",
    "/runs",
    "/tasks/backup-vault",
    `/tasks/backup-vault/${run.id}`,
    "/tasks/web",
    "/notifications",
    "/settings",
    "/no/such/page",
  ]) {
    await visit(page, path);
    const over = await overflow(page);
    if (over.page > 0 || over.main > 0) problems.push(`${path}: ${JSON.stringify(over)} px too wide`);
    for (const control of await small(page, TARGET)) problems.push(`${path}: ${control}`);
  }
  assert.deepEqual(problems, []);
});

scene("the menu opens, leads somewhere, and closes", PHONE, async ({ page }) => {
  await visit(page, "/");
  const menu = page.getByRole("button", { name: "Menu" });
  const link = page.locator('.side-item[title="import-feeds"]');
  const isThere = () => link.evaluate((node) => {
    const { left, right } = node.getBoundingClientRect();
    return left >= 0 && right <= innerWidth && node.checkVisibility({ visibilityProperty: true });
  });
  assert.equal(await isThere(), false);
  await menu.tap();
  assert.equal(await menu.getAttribute("aria-expanded"), "true");
  await becomes("the menu", isThere, true);
  await page.keyboard.press("Escape");
  await becomes("the menu", isThere, false);
  await hasFocus(menu);
  await menu.tap();
  await becomes("the menu", isThere, true);
  await page.touchscreen.tap(380, 500);
  await becomes("the menu", isThere, false);
  assert.equal(await menu.getAttribute("aria-expanded"), "false");
  await menu.tap();
  await becomes("the menu", isThere, true);
  await link.tap();
  await isAt(page, "/tasks/import-feeds");
  await becomes("the menu", isThere, false);
});

scene("runs, then a log, and back", PHONE, async ({ page }) => {
  await visit(page, "/tasks/backup-vault");
  const list = page.locator(".runs-scroll");
  const log = page.locator(".log-body");
  assert.equal(await list.isVisible(), true);
  assert.equal(await log.count(), 0);
  const first = page.locator(".run").first();
  const id = await first.getAttribute("data-run");
  await first.tap();
  await isAt(page, `/tasks/backup-vault/${id}`);
  await becomes("the log", async () => (await linesOf(page)).length > 3, true);
  await becomes("the list", () => list.isVisible(), false);
  assert.deepEqual(await overflow(page), { page: 0, main: 0 });
  const box = await log.boundingBox();
  assert.ok(box.height > 250, `the log has ${box.height} px`);
  await page.getByRole("link", { name: /backup-vault, all runs/ }).tap();
  await isAt(page, "/tasks/backup-vault");
  await becomes("the list", () => list.isVisible(), true);
  await page.goBack();
  await becomes("the log", () => log.isVisible(), true);
  assert.equal(addressOf(page), `/tasks/backup-vault/${id}`);
});

scene("filters are a sheet", PHONE, async ({ page }) => {
  await visit(page, "/runs");
  await page.getByRole("button", { name: /^Filter ?\d*$/ }).tap();
  const panel = page.getByRole("dialog", { name: "Filter runs" });
  const { width } = await panel.boundingBox();
  assert.ok(width > 340, `${width} px`);
  assert.deepEqual(await small(page, TARGET), []);
  await panel.getByLabel("failed", { exact: true }).check();
  await panel.getByRole("button", { name: "Done" }).tap();
  await counts(panel, 0);
  await isAt(page, "/runs?status=failed");
  await shows(page.locator(".run-table .cell-status").first(), "failed");
});
