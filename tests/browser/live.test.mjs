// A run from its start to its end under the eyes of somebody: started, followed line by line,
// stopped; and why one failed.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { Daemon } from "./lib/daemon.mjs";
import { visit } from "./lib/browser.mjs";
import { listener, speaker } from "./lib/fifo.mjs";
import { foot, hasLines, linesOf, rows } from "./lib/logs.mjs";
import { addressOf, becomes, counts, hasFocus, isAt, shows } from "./lib/looks.mjs";
import { stage } from "./lib/scenes.mjs";

const TOML = `
[tasks.talk]
description = "Says what it is told"
run = """${listener("talk")}"""

[tasks.lines]
run = """${listener("lines")}"""

[tasks.fails]
run = """
echo begin
echo 'cannot open the vault: no such host' >&2
exit 3
"""

[tasks.silent]
run = "true"
`;

const say = {};
const scene = stage(async () => {
  const daemon = await Daemon.start({ toml: TOML });
  for (const name of ["talk", "lines"]) say[name] = speaker(daemon, name);
  return daemon;
});

const verdict = (page) => page.locator(".run-verdict h2");
const sidebar = (page, name) => page.locator(`.side-item[title="${name}"]`);

scene("a run is started, followed line by line, and stopped", {}, async ({ page, daemon }) => {
  await visit(page, "/tasks/talk");
  await shows(page.locator(".runs-pane"), /No runs yet/);
  await page.getByRole("button", { name: "Run Now" }).click();
  await shows(verdict(page), /^running for \d+s$/);
  const [{ id }] = (await daemon.api("tasks/talk/runs")).runs;
  await isAt(page, `/tasks/talk/${id}`);
  await shows(page.locator(".log-state"), "Waiting for output…");
  await shows(sidebar(page, "talk"), "talk, running");

  const said = [];
  for (const text of ["first", "second <b>bold</b>", "  indented", "fourth"]) {
    say.talk(text);
    said.push(text.trim());
    // Each is there before the next one is printed.
    await hasLines(page, said);
  }
  await shows(foot(page), /^4 lines.*following$/);
  say.talk("! and on stderr");
  await hasLines(page, [...said, "and on stderr"]);
  assert.equal(await rows(page).nth(4).evaluate((node) => node.classList.contains("line-err")), true);

  const stop = page.getByRole("button", { name: "Stop", exact: true }).first();
  const dialog = page.locator("dialog[open]");
  await stop.click();
  await shows(dialog.locator("h2"), "Stop this run of talk?");
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await counts(dialog, 0);
  assert.equal((await daemon.api(`runs/${id}`)).status, "running", "nothing was stopped");
  await hasFocus(stop);
  await stop.click();
  await dialog.getByRole("button", { name: "Stop", exact: true }).click();
  await shows(verdict(page), /^stopped after /);
  assert.equal((await daemon.api(`runs/${id}`)).end_reason, "stopped");
  await shows(page.locator(".log-edge:visible").last(), /^stopped, .*lines$/);
  await shows(sidebar(page, "talk"), "talk, stopped");
  // It can be started once more.
  await becomes("the button", () => page.getByRole("button", { name: "Run Now" }).isEnabled(), true);
});

scene("a run that somebody else starts is shown, unless another one was chosen", {}, async (view) => {
  const { page, daemon } = view;
  const first = await daemon.run("silent");
  await daemon.ended(first.id);
  await visit(page, "/tasks/silent");
  const current = page.locator('.run[aria-current="true"]');
  assert.equal(await current.getAttribute("data-run"), first.id);
  const second = await daemon.run("silent");
  await becomes("the run that is shown", () => current.getAttribute("data-run"), second.id);
  await isAt(page, "/tasks/silent");
  await page.locator(`[data-run="${first.id}"]`).click();
  await isAt(page, `/tasks/silent/${first.id}`);
  const third = await daemon.run("silent");
  await page.locator(`[data-run="${third.id}"]`).waitFor();
  assert.equal(await current.getAttribute("data-run"), first.id);
  await shows(page.locator(".log-state"), "No output");
});

scene("a run that failed says why", {}, async ({ page, daemon }) => {
  await visit(page, "/");
  const { id } = await daemon.run("fails");
  await shows(page.locator(".verdict h1"), /^1 of 4 tasks needs attention$/);
  await shows(page.locator(".verdict p"), /^fails failed just now\.$/);
  await page.locator(".verdict p a").click();
  await isAt(page, "/tasks/fails");
  await shows(verdict(page), /^failed, exit 3 after \d/);
  await shows(page.locator(".run-cause"), /^cannot open the vault: no such host ?line 2$/);
  await hasLines(page, ["begin", "cannot open the vault: no such host"]);
  await shows(page.locator(".log-edge:visible").last(), "failed, exit 3, 2 lines");
  await page.locator(".run-cause a").click();
  await isAt(page, `/tasks/fails/${id}#L2`);
  await counts(page.locator('.line-target[data-n="1"]'), 1);
  assert.equal(addressOf(page).endsWith(`${id}#L2`), true);
});

scene("the log can be saved as it is, and copied without its numbers", {}, async ({ page, context, daemon }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const { id } = await daemon.run("lines");
  say.lines("one", "two", "! three", "exit 0");
  await daemon.ended(id);
  await visit(page, `/tasks/lines/${id}`);
  await hasLines(page, ["one", "two", "three"]);

  const saved = page.waitForEvent("download");
  await page.getByRole("link", { name: "Download log" }).click();
  const file = await saved;
  assert.match(file.suggestedFilename(), /lines.*\.log$/);
  assert.equal(readFileSync(await file.path(), "utf8"), "one\ntwo\n[ERR] three\n");

  await page.getByRole("button", { name: "time" }).click();
  await becomes("times", () => page.locator(".log-rows .line-time").first().textContent(), /^\d\d:\d\d:\d\d$/);
  await page.locator(".log-body").focus();
  await page.keyboard.press("Control+a");
  await page.keyboard.press("Control+c");
  const copied = () => page.evaluate(() => navigator.clipboard.readText());
  await becomes("the clipboard", copied, "one\ntwo\nthree");

  await page.locator(".log-rows .line-number").nth(1).click();
  await isAt(page, `/tasks/lines/${id}#L2`);
  await becomes("the clipboard", copied, page.url());
  await page.getByRole("button", { name: "stderr" }).click();
  await hasLines(page, ["three"]);
  assert.deepEqual(await linesOf(page), [[3, "three"]]);
});
