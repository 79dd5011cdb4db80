// The timeline: a lane for each task, its runs and its coming ticks, moved and zoomed.

import assert from "node:assert/strict";
import { visit } from "./lib/browser.mjs";
import { addressOf, becomes, counts, isAt, shows } from "./lib/looks.mjs";
import { stage } from "./lib/scenes.mjs";
import { world } from "./world.mjs";

const scene = stage(() => world("little"));

const TASKS = ["backup-vault", "count-stock", "import-feeds", "rebuild-thumbnails", "sync-rates", "web"];

const span = (page) => page.locator(".page-head p");
const lane = (page, name) => page.locator(".lane", { hasText: name });
const plot = (page, name) => lane(page, name).locator("svg[role=img]");
const ranges = (page) => page.getByRole("group", { name: "Range" });
const pressed = (page) => ranges(page).locator('[aria-pressed="true"]').textContent();

scene("every task has a lane with its runs", {}, async ({ page, daemon }) => {
  await visit(page, "/timeline");
  const names = () => page.locator(".lane-name").evaluateAll((all) => all.map(({ title }) => title).sort());
  await becomes("lanes", names, TASKS);
  assert.equal(await pressed(page), "24 h");
  await becomes("a lane in words", () => plot(page, "backup-vault").getAttribute("aria-label"), /^backup-vault: .*2 failed/);
  await becomes("a lane in words", () => plot(page, "sync-rates").getAttribute("aria-label"), /^sync-rates: \d+ ok/);
  // Three of them start together, which is said.
  await shows(page.locator(".lanes-notes, dl").last(), /3 (start|began) in the same minute.*count-stock/);
  // A run that is started now is there at once.
  const before = await plot(page, "backup-vault").getAttribute("aria-label");
  await daemon.ended((await daemon.run("backup-vault")).id);
  await becomes("a lane in words", () => plot(page, "backup-vault").getAttribute("aria-label"), (text) => text !== before);
});

scene("it is zoomed and moved, and the address has what is seen", {}, async ({ page }) => {
  await visit(page, "/timeline");
  const first = await span(page).textContent();
  await page.keyboard.press("+");
  await isAt(page, "/timeline?range=6h");
  assert.equal(await pressed(page), "6 h");
  await page.keyboard.press("+");
  await isAt(page, "/timeline?range=1h");
  await page.keyboard.press("+");
  await isAt(page, "/timeline?range=1h");
  for (const range of ["6h", "24h", "7d", "31d"]) {
    await page.keyboard.press("-");
    await becomes("the address", () => addressOf(page), range === "24h" ? /^\/timeline(\?range=24h)?$/ : `/timeline?range=${range}`);
  }
  await ranges(page).getByRole("button", { name: "24 h" }).click();
  await isAt(page, "/timeline");
  await shows(span(page), first.replace(/\s+/g, " ").trim());

  await page.getByRole("button", { name: "Earlier" }).click();
  await becomes("the address", () => addressOf(page), /^\/timeline\?range=24h&to=\d{4}-\d\d-\d\dT\d\d:\d\dZ$/);
  const there = addressOf(page);
  const words = await becomes("the span", () => span(page).textContent(), (text) => text !== first);
  await page.reload();
  await isAt(page, there);
  await becomes("the span", () => span(page).textContent(), words);
  await page.getByRole("button", { name: "Now", exact: true }).click();
  await isAt(page, "/timeline");
  await page.goto("/timeline?range=nonsense&to=never");
  await becomes("the range", () => pressed(page), "24 h");
  await page.goto("/timeline?range=1h");
  await becomes("the range", () => pressed(page), "1 h");
});

scene("Ctrl and the wheel zoom where the pointer is", {}, async ({ page }) => {
  await visit(page, "/timeline");
  const box = await plot(page, "backup-vault").boundingBox();
  await page.mouse.move(box.x + box.width / 3, box.y + 10);
  await page.keyboard.down("Control");
  await page.mouse.wheel(0, -100);
  await becomes("the range", () => pressed(page), "6 h");
  await page.keyboard.up("Control");
});

scene("with the keyboard from run to run, and into one", {}, async ({ page, daemon }) => {
  const [newest] = (await daemon.api("runs?task_name=sync-rates&limit=1")).runs;
  await visit(page, "/timeline?range=6h");
  await lane(page, "sync-rates").locator('[tabindex="0"]').focus();
  // The first step goes to the newest run, and says what it is.
  await page.keyboard.press("ArrowLeft");
  const tip = page.locator(".tip:visible, [role=tooltip]:visible");
  await shows(tip, /^sync-rates.*(success|timeout)/);
  await page.keyboard.press("Enter");
  await becomes("the address", () => addressOf(page), /^\/tasks\/sync-rates\/[0-9A-Z]{26}$/);
  assert.equal(addressOf(page).endsWith(newest.id), true);
  await page.goBack();
  await counts(page.locator(".lane"), TASKS.length);
});

scene("a name leads to its task", {}, async ({ page }) => {
  await visit(page, "/timeline");
  await lane(page, "import-feeds").getByRole("link").first().click();
  await isAt(page, "/tasks/import-feeds");
});
