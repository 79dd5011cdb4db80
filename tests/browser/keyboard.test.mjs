// Everything without a mouse: from the login to a line of a log and back.

import assert from "node:assert/strict";
import { Daemon, PASSWORD } from "./lib/daemon.mjs";
import { ready, visit } from "./lib/browser.mjs";
import { body, inView, linesOf } from "./lib/logs.mjs";
import { addressOf, becomes, counts, hasFocus, isAt, shows, status } from "./lib/looks.mjs";
import { stage } from "./lib/scenes.mjs";

const TOML = `
[tasks.alpha]
run = "seq -f 'line %.0f' 500"

[tasks.beta]
description = "the second"
run = "echo beta"

[tasks.gamma]
run = "sleep 600"
`;

const scene = stage(async () => {
  const daemon = await Daemon.start({ toml: TOML });
  for (const name of ["beta", "alpha", "alpha", "alpha"]) await daemon.ended((await daemon.run(name)).id);
  return daemon;
});

/** What has the focus: its text, and how it is marked. */
const focused = (page) =>
  page.evaluate(() => {
    const node = document.activeElement;
    const { outlineStyle, outlineWidth, outlineOffset } = getComputedStyle(node);
    return {
      text: node.textContent.replace(/\s+/g, " ").trim(),
      isMarked: outlineStyle !== "none" && parseFloat(outlineWidth) >= 2,
      outline: `${outlineStyle} ${outlineWidth} ${outlineOffset}`,
    };
  });

async function isOn(page, text) {
  const { isMarked, outline } = await becomes("the focus", () => focused(page), (now) => now.text === text);
  assert.ok(isMarked, `the focus on ${text} is seen: ${outline}`);
}

const press = async (page, ...keys) => {
  for (const key of keys) await page.keyboard.press(key);
};

scene("from the login to a log", { signedIn: false, except: [status(401)] }, async ({ page }) => {
  await page.goto("/");
  await hasFocus(page.locator("#password"));
  await page.keyboard.type(PASSWORD);
  await press(page, "Enter");
  await ready(page);
  await page.locator(".tasks .task-name").first().waitFor();

  // The search of the page; Esc clears it, then leaves it.
  await press(page, "/");
  const search = page.getByRole("searchbox", { name: "Search tasks" });
  await hasFocus(search);
  await page.keyboard.type("gr the second");
  assert.equal(await search.inputValue(), "gr the second", "keys are letters in a field");
  await isAt(page, "/");
  await press(page, "Escape");
  await becomes("the field", () => search.inputValue(), "");
  await hasFocus(search);
  await page.keyboard.type("the sec");
  await becomes("the rows", () => page.locator(".task-name").allTextContents(), ["beta"]);
  await press(page, "Escape", "Escape");
  await hasFocus(page.locator("body"));

  const names = await page.locator(".task-name").allTextContents();
  await press(page, "j");
  await isOn(page, names[0]);
  await press(page, "j");
  await isOn(page, names[1]);
  await press(page, "ArrowDown");
  await isOn(page, names[2]);
  await press(page, "ArrowUp", "k");
  await isOn(page, names[0]);
  await press(page, "g", "r");
  await isAt(page, "/runs");
  await page.locator(".run-table tbody a").first().waitFor();
  await press(page, "/");
  await page.keyboard.type("alpha");
  await press(page, "Enter");
  await isAt(page, "/runs?q=alpha");
  await counts(page.locator(".run-table tbody a"), 3);
  await page.locator("#main").focus();
  await press(page, "j", "j");
  await isOn(page, "alpha");
  await press(page, "Enter");
  await becomes("the address", () => addressOf(page), /^\/tasks\/alpha\/[0-9A-Z]{26}$/);
  await becomes("the log", async () => (await linesOf(page)).at(-1)?.[1], "line 500");

  // From run to run, without a step for the way back for each.
  const middle = addressOf(page);
  await press(page, "j");
  await becomes("the address", () => addressOf(page), (now) => now !== middle && now.startsWith("/tasks/alpha/"));
  await press(page, "k");
  await isAt(page, middle);
  await press(page, "k");
  await becomes("the address", () => addressOf(page), (now) => now !== middle);
  await page.goBack();
  await isAt(page, "/runs?q=alpha");
  await page.goForward();

  // The log.
  await becomes("the log", async () => (await linesOf(page)).at(-1)?.[1], "line 500");
  await press(page, "Home");
  await becomes("the first line", async () => (await inView(page))[0]?.n, 1);
  await press(page, "End");
  await becomes("the last line", async () => (await inView(page)).at(-1)?.n, 500);
  await press(page, "Control+f");
  await hasFocus(page.locator(".log-find input"));
  await page.keyboard.type("line 123");
  await shows(page.locator(".line-found .line-text"), "line 123");
  await press(page, "Escape");
  await becomes("the field", () => page.locator(".log-find input").inputValue(), "");
  await body(page).focus();
  await press(page, "PageUp");
  await becomes("a scrolled log", async () => (await inView(page)).at(-1)?.n < 400, true);
});

scene("the places behind g", {}, async ({ page }) => {
  await visit(page, "/tasks/beta");
  for (const [key, path] of [
    ["o", "/"],
    ["t", "/timeline"],
    ["n", "/notifications"],
    ["s", "/settings"],
    ["r", "/runs"],
  ]) {
    await press(page, "g", key);
    await isAt(page, path);
  }
});

scene("the skip link is the first stop, and leads to the page", {}, async ({ page }) => {
  await visit(page, "/");
  const skip = page.getByRole("link", { name: "Skip to content" });
  assert.ok(!(await isSeen(skip)), "it is not there for everybody");
  await press(page, "Tab");
  await hasFocus(skip);
  await becomes("the link", () => isSeen(skip), true);
  await press(page, "Enter");
  await hasFocus(page.locator("#main"));
  await press(page, "Tab");
  const isInside = () => page.evaluate(() => document.getElementById("main").contains(document.activeElement));
  assert.ok(await isInside(), "the next stop is in the page");
});

const isSeen = (locator) =>
  locator.evaluate((node) => {
    const { top, left, bottom, right, width } = node.getBoundingClientRect();
    return top >= 0 && left >= 0 && bottom <= innerHeight && right <= innerWidth && width > 20;
  });

scene("every stop can be seen", {}, async ({ page }) => {
  await visit(page, "/");
  const stops = [];
  for (let n = 0; n < 60; n += 1) {
    await press(page, "Tab");
    const stop = await page.evaluate(() => document.activeElement.tagName);
    if (stop === "BODY") break;
    stops.push(await focused(page));
    const box = await page.evaluate(() => {
      const node = document.activeElement.closest(".field, .select") ?? document.activeElement;
      const { outlineStyle, boxShadow, borderColor } = getComputedStyle(node);
      return { seen: outlineStyle !== "none" || boxShadow !== "none", borderColor };
    });
    assert.ok(stops.at(-1).isMarked || box.seen, `stop ${n} is marked: ${JSON.stringify(stops.at(-1))}`);
  }
  assert.ok(stops.length > 15, `${stops.length} stops`);
});

scene("a dialog keeps the focus, and gives it back", {}, async ({ page, daemon }) => {
  const { id } = await daemon.run("gamma");
  await visit(page, `/tasks/gamma/${id}`);
  const stop = page.getByRole("button", { name: "Stop", exact: true });
  await stop.focus();
  await press(page, "Enter");
  const dialog = page.locator("dialog[open]");
  await dialog.waitFor();
  for (let n = 0; n < 6; n += 1) {
    await press(page, n % 2 ? "Tab" : "Shift+Tab");
    // Where it is in nothing of the page, it is in the browser's own bar.
    const where = await page.evaluate(() => document.activeElement.closest("dialog, body").tagName);
    const isBehind = await page.evaluate(() => document.querySelector(".shell").contains(document.activeElement));
    assert.ok(!isBehind, where);
  }
  // Keys of the page do nothing meanwhile.
  await press(page, "g", "o");
  await isAt(page, `/tasks/gamma/${id}`);
  await press(page, "Escape");
  await counts(dialog, 0);
  await hasFocus(stop);
  assert.equal((await daemon.api(`runs/${id}`)).status, "running");

  await press(page, "?");
  await shows(dialog.locator("h2"), "Keys");
  await shows(dialog, /Search all logs of a task/);
  await press(page, "Enter");
  await counts(dialog, 0);
  await hasFocus(stop);
  await daemon.post(`tasks/gamma/runs/${id}/stop`);
});

scene("tabs of the list are changed with arrows", {}, async ({ page }) => {
  await visit(page, "/");
  await page.getByRole("tab", { name: /^All/ }).focus();
  await press(page, "ArrowRight");
  await hasFocus(page.getByRole("tab", { name: /^Attention/ }));
  await shows(page.locator("#task-list .empty b"), "Nothing needs attention");
  await press(page, "ArrowLeft", "ArrowLeft");
  await hasFocus(page.getByRole("tab", { name: /^Manual/ }));
  await counts(page.locator(".task-name"), 3);
});
