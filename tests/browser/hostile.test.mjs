// Names, descriptions, messages and output that try to be something else: all of it is shown as the
// text that it is, and nothing of it acts.

import assert from "node:assert/strict";
import { ready, visit } from "./lib/browser.mjs";
import { becomes, counts, shows } from "./lib/looks.mjs";
import { linesOf, rows } from "./lib/logs.mjs";
import { stage } from "./lib/scenes.mjs";
import { world } from "./world.mjs";

const scene = stage(() => world("hostile"));

/** Elements that the page itself never makes, in whatever was drawn. */
const intruders = (page) =>
  page.evaluate(() => {
    const foreign = "body script, img, iframe, object, embed, style, b[onload], [onerror], [onload], [onclick], [onmouseover]";
    const links = [...document.querySelectorAll("a[href]")].filter(
      ({ protocol, origin }) => protocol !== "http:" || origin !== location.origin,
    );
    return [...document.querySelectorAll(foreign), ...links].map((node) => node.outerHTML.slice(0, 120));
  });

const SCRIPT_LINES = [
  "<script>alert(1)</script>",
  "<img src=x onerror=alert(1)>",
  '"><svg/onload=alert(1)>',
  "' onmouseover='alert(1)",
  "javascript:alert(1)",
  '<a href="javascript:alert(1)">click</a>',
  "</pre></div></body></html><script>alert(1)</script>",
  "&lt;script&gt;alert(1)&lt;/script&gt; &amp;amp; &#x3c;",
  "{{7*7}} ${7*7} <%= 7*7 %> #{7*7}",
  "http://example.org/\"onmouseover=\"alert(1) https://example.org/?a=<b>&c='d'",
  "]]><!--",
];

scene("every task has its page, under its own name", {}, async ({ page, daemon }) => {
  const tasks = await daemon.api("tasks");
  await visit(page, "/");
  const titles = () => page.locator("#side .side-item[title]").evaluateAll((all) => all.map(({ title }) => title).sort());
  await becomes("the sidebar", titles, tasks.map(({ name }) => name).sort());
  const groups = await page.locator(".side-head > .side-name").allTextContents();
  assert.deepEqual(groups, [...new Set(tasks.map(({ group }) => group))].sort());
  for (const { name, description } of tasks) {
    await page.locator("#side .side-item").evaluateAll((all, wanted) => all.find(({ title }) => title === wanted).click(), name);
    await becomes("the heading", () => page.locator("h1").first().textContent(), name);
    await ready(page);
    assert.equal(await page.title(), `${name} · runwisp`.replace(/\s+/g, " "));
    if (description) {
      await becomes(`the description of ${name}`, async () => (await page.locator(".task-head").textContent()).includes(description), true);
    }
    await becomes(`a run of ${name}`, () => page.locator(".run-verdict h2").count(), 1);
    assert.deepEqual(await intruders(page), []);
  }
});

scene("the address of a strange name opens its page, too", {}, async ({ page }) => {
  for (const name of ["script.tags", "index.html", "_.-:", "__proto__", "0"]) {
    await visit(page, `/tasks/${encodeURIComponent(name)}`);
    assert.equal(await page.locator("h1").textContent(), name);
  }
});

scene("output is text", {}, async ({ page, daemon }) => {
  const open = async (task) => {
    const [run] = (await daemon.api(`tasks/${encodeURIComponent(task)}/runs?limit=1`)).runs;
    await page.goto(`/tasks/${encodeURIComponent(task)}/${run.id}`);
    await ready(page);
    await becomes("lines", async () => (await linesOf(page)).length > 0, true);
    return (await linesOf(page)).map(([, text]) => text);
  };
  assert.deepEqual(await open("script.tags"), SCRIPT_LINES);
  assert.deepEqual(await intruders(page), []);

  const bidi = await open("right.to:left");
  assert.equal(bidi[0], "rm -rf <U+202E>gpj.exe", "what turns the text round is shown");
  assert.equal(bidi[2], "the next line is not");

  const codes = await open("escape:codes");
  assert.ok(!codes.some((text) => text.includes("\u001b")), "no escape is left");
  assert.ok(codes.includes("title") && codes.includes("clipboard") && codes.includes("link other"), codes.join("\n"));
  assert.ok(codes.includes("the line after it"));
  const colour = (text) => page.locator(".line-text", { hasText: text }).first();
  const inks = await colour("never reset").evaluate((node) => [node, node.lastElementChild].map((one) => getComputedStyle(one).color));
  assert.notEqual(inks[0], inks[1], "colours are shown");
  assert.equal(await colour("the line after it").innerHTML(), "the line after it", "no colour runs over");
  assert.match(await page.title(), /^escape:codes · /, "a title of the terminal is none of the page");

  const bars = await open("progress.bars");
  assert.equal(bars[0], `downloading [${"#".repeat(20)}] 100 %`);
  assert.equal(bars[1], "X");
  assert.equal(bars[3], "windows");

  const bytes = await open("nul_and_bytes");
  assert.ok(bytes[0].includes("nul>␀<nul"), bytes[0]);

  await open("long_lines");
  assert.deepEqual(await intruders(page), []);
  const widest = await rows(page).evaluateAll((all) => Math.max(...all.map((node) => node.textContent.length)));
  assert.ok(widest < 5000, `a line of ${widest} characters is in the page`);

  await open("fails..loudly");
  await shows(page.locator(".run-cause q"), /^<img src=x onerror=alert\(1\)>/);
  assert.deepEqual(await intruders(page), []);
});

scene("lists, messages and the bell", {}, async ({ page }) => {
  const markup = "<script>alert(1)</script><img src=x onerror=alert(1)>";
  for (const path of ["/runs", "/timeline", "/notifications", "/settings", "/"]) {
    await visit(page, path);
    assert.deepEqual(await intruders(page), [], path);
  }
  await visit(page, "/settings");
  await shows(page.locator(".channel b"), "<img src=x onerror=alert(5)>:#<i>x</i>");
  await shows(page.locator(".route-task"), "<b>*</b>");
  await visit(page, "/notifications");
  await becomes("the notice", async () => (await page.locator(".notice-title").allTextContents()).some((title) => title.includes(markup)), true);
  await page.getByRole("button", { name: /^Notifications/ }).click();
  await page.locator("dialog .notice").first().waitFor();
  assert.deepEqual(await intruders(page), []);
  await page.keyboard.press("Escape");
  await visit(page, "/");
  // What a person puts into a field, or a stranger into an address.
  const nowhere = "<i>nowhere</i><img src=x onerror=alert(2)>";
  await page.getByRole("searchbox", { name: "Search tasks" }).fill(nowhere);
  await shows(page.locator("#task-list .empty p"), `No name or description has "${nowhere}".`);
  await visit(page, `/runs?q=${encodeURIComponent(markup)}&task=${encodeURIComponent(markup)}`);
  await counts(page.locator(".chip"), 2);
  assert.deepEqual(await intruders(page), []);
});
