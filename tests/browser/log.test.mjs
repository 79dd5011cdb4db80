// The log of a million lines: opened at its end, scrolled, linked to, searched.

import assert from "node:assert/strict";
import { Daemon } from "./lib/daemon.mjs";
import { visit } from "./lib/browser.mjs";
import { listener, speaker } from "./lib/fifo.mjs";
import { body, foot, inView, linesOf, rows } from "./lib/logs.mjs";
import { becomes, counts, hasFocus, isAt, shows, status as answered } from "./lib/looks.mjs";
import { stage } from "./lib/scenes.mjs";

const LINES = 1_000_000;
const lineOf = (n) => `line ${n} of a million`;
/** Of any view, with the rows that wait above and below it. */
const MOST_ROWS = 400;

const TOML = `
[tasks.million]
run = "seq -f 'line %.0f of a million' ${LINES}"

[tasks.words]
run = "echo 'alpha needle'; echo beta; echo 'gamma NEEDLE needle'"

[tasks.follow]
run = """${listener("follow")}"""
`;

let million;
let say;
const scene = stage(async () => {
  const daemon = await Daemon.start({ toml: TOML });
  say = speaker(daemon, "follow");
  const { id } = await daemon.run("million");
  await daemon.ended(id);
  million = `/tasks/million/${id}`;
  return daemon;
});

const shown = (page) => page.locator(".log-shown");
const isBounded = async (page) => assert.ok((await rows(page).count()) < MOST_ROWS, "only what is seen is in the page");

/** A line is where somebody sees it; that it is lit up is over soon. */
const isShown = (page, n, text) =>
  becomes(`line ${n}`, async () => (await inView(page)).some((line) => line.n === n) && new Map(await linesOf(page)).get(n), text);

async function areInOrder(page) {
  const lines = await linesOf(page);
  assert.ok(lines.length > 10);
  lines.forEach(([n, text], at) => {
    assert.equal(text, lineOf(n));
    assert.equal(n, lines[0][0] + at);
  });
}

scene("it is opened at the end, and older lines come without a jump", {}, async ({ page }) => {
  await visit(page, million);
  await becomes("the last line", async () => (await linesOf(page)).at(-1), [LINES, lineOf(LINES)]);
  await shows(foot(page), /^1 000 000 lines.*lines 999 9\d\d–1 000 000 shown.*at the end$/);
  await areInOrder(page);
  await isBounded(page);

  // To the first line that is loaded: the thousand before it come while it stays where it is.
  await becomes("a page that is loaded", () => body(page).evaluate((box) => box.scrollHeight > 10_000), true);
  await body(page).evaluate((box) => {
    box.scrollTop = 1500;
  });
  await becomes("older lines", () => body(page).evaluate((box) => box.scrollTop > 1500 + 500 * 10), true);
  await becomes("rows", async () => (await inView(page)).length > 10, true);
  await areInOrder(page);

  // Row by row on the screen: the wheel and nothing else moves them.
  await page.mouse.move(900, 700);
  for (let turn = 0; turn < 12; turn += 1) {
    const before = new Map((await inView(page)).map(({ n, at }) => [n, at]));
    const top = await body(page).evaluate((box) => box.scrollTop);
    await page.mouse.wheel(0, -400);
    const moved = async () => {
      const both = (await inView(page)).filter(({ n }) => before.has(n));
      return both.length > 0 && [...new Set(both.map(({ n, at }) => Math.round(at - before.get(n))))];
    };
    await becomes(`all rows moved alike, from ${top}`, moved, (by) => by.length === 1 && by[0] > 0 && by[0] <= 402);
  }
  await areInOrder(page);
  await isBounded(page);
  await page.locator(".log-jump").click();
  await becomes("the last line", async () => (await linesOf(page)).at(-1), [LINES, lineOf(LINES)]);
  await counts(page.locator(".log-jump:visible"), 0);
});

scene("a link opens it at a line, in the middle and at the start", {}, async ({ page }) => {
  await visit(page, `${million}#L500000`);
  await isShown(page, 500_000, lineOf(500_000));
  await areInOrder(page);
  await isBounded(page);
  // What opens beside it moves nothing.
  const top = async () => (await inView(page))[0].n;
  const before = await top();
  await page.keyboard.press("Control+k");
  await page.locator(".log-search").waitFor();
  assert.equal(await top(), before);
  await page.keyboard.press("Escape");
  await page.evaluate(() => {
    location.hash = "#L7";
  });
  await isShown(page, 7, lineOf(7));
  await body(page).focus();
  await page.keyboard.press("End");
  await becomes("the last line", async () => (await linesOf(page)).at(-1), [LINES, lineOf(LINES)]);
  await page.keyboard.press("Home");
  await becomes("the first line", async () => (await inView(page))[0]?.n, 1);
  await areInOrder(page);
  await isBounded(page);
});

scene("find in the log counts, and goes to the next and the one before", {}, async ({ page }) => {
  await visit(page, million);
  await becomes("the last line", async () => (await linesOf(page)).at(-1)?.[0], LINES);
  await page.keyboard.press("Control+f");
  const input = page.locator(".log-find input");
  const tally = page.locator(".log-tally");
  await hasFocus(input);
  // 999500, of the thousand lines that are loaded.
  await input.fill("LINE 9995");
  await shows(tally, /^\d+\/100$/);
  await shows(shown(page), "earlier lines are not loaded, so not searched");
  const found = page.locator(".line-found");
  const numberOf = async () => Number(await found.locator(".line-number").textContent());
  await counts(found, 1);
  const first = await becomes("the found line", numberOf, (n) => n >= 999_500 && n < 999_600);
  await input.press("Enter");
  const wrap = (n) => (n === 999_599 ? 999_500 : n + 1);
  await becomes("the next one", numberOf, wrap(first));
  await becomes("it in view", async () => (await inView(page)).some(({ n }) => n === wrap(first)), true);
  await page.getByRole("button", { name: /^Previous line/ }).click();
  await becomes("the one before", numberOf, first);
  await input.fill("nowhere to be found");
  await shows(tally, "0");
  await input.press("Escape");
  await becomes("the field", () => input.inputValue(), "");
  await counts(page.locator(".log-rows mark"), 0);
});

scene("the logs of all runs are searched", { except: [answered(422)] }, async ({ page, daemon }) => {
  const runs = [];
  for (let n = 0; n < 2; n += 1) {
    const { id } = await daemon.run("words");
    await daemon.ended(id);
    runs.unshift(id);
  }
  await visit(page, "/tasks/words");
  await page.keyboard.press("Control+k");
  const panel = page.locator(".log-search");
  const input = panel.getByRole("searchbox");
  await hasFocus(input);
  await input.fill("needle");
  await input.press("Enter");
  const status = panel.getByRole("status");
  await shows(status, "4 lines in 2 runs");
  const groups = await panel.locator("section[data-run]").evaluateAll((all) => all.map(({ dataset }) => dataset.run));
  assert.deepEqual(groups, runs, "the newest run first");
  await panel.getByRole("button", { name: "Aa" }).click();
  await input.fill("NEEDLE");
  await input.press("Enter");
  await shows(status, "2 lines in 2 runs");
  await panel.getByRole("button", { name: ".*" }).click();
  await input.fill("^[ab].*a");
  await input.press("Enter");
  await shows(status, "4 lines in 2 runs");
  await input.fill("(");
  await input.press("Enter");
  await becomes("the refusal", () => status.textContent(), /\S/);
  await input.fill("gamma");
  await input.press("Enter");
  await shows(status, "2 lines in 2 runs");
  await panel.locator(".log-hit").nth(1).click();
  await isAt(page, `/tasks/words/${runs[1]}#L3`);
  await isShown(page, 3, "gamma NEEDLE needle");
  await page.locator("h1").click();
  await page.keyboard.press("Escape");
  await counts(panel, 0);
});

scene("a search in a million lines finds the last ones", {}, async ({ page }) => {
  await visit(page, million);
  await page.getByRole("button", { name: "Search logs" }).click();
  const panel = page.locator(".log-search");
  await panel.getByRole("searchbox").fill("line 123456 ");
  await panel.getByRole("searchbox").press("Enter");
  await panel.locator(".log-hit").first().click();
  await isShown(page, 123_456, lineOf(123_456));
  await isAt(page, `${million}#L123456`);
});

scene("who scrolls up is not dragged along, and is told what came", {}, async ({ page, daemon }) => {
  const { id } = await daemon.run("follow");
  say(...Array.from({ length: 200 }, (_, n) => `old ${n}`));
  await visit(page, `/tasks/follow/${id}`);
  await becomes("the last line", async () => (await linesOf(page)).at(-1)?.[1], "old 199");
  await page.mouse.move(900, 700);
  await page.mouse.wheel(0, -600);
  const jump = page.locator(".log-jump");
  await shows(jump, "Jump to end");
  await becomes("rest", async () => {
    const one = JSON.stringify(await inView(page));
    await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
    return one === JSON.stringify(await inView(page));
  }, true);
  const before = await inView(page);
  say("new 0", "new 1", "new 2");
  await shows(jump, "Jump to end, 3 new lines");
  assert.deepEqual(await inView(page), before);
  await jump.click();
  await becomes("the last line", async () => (await linesOf(page)).at(-1)?.[1], "new 2");
  say("new 3");
  await becomes("the last line", async () => (await inView(page)).at(-1)?.n, 204);
  // f ends following and takes it up.
  await body(page).focus();
  await page.keyboard.press("f");
  await becomes("the foot", async () => /following/.test(await foot(page).textContent()), false);
  await page.keyboard.press("f");
  await shows(foot(page), /following/);
  say("exit 0");
  await shows(page.locator(".log-edge:visible").last(), "success, 204 lines");
});
