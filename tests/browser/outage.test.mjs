// The daemon goes away under an open page and comes back: killed, or behind a network that is cut.

import assert from "node:assert/strict";
import { Daemon } from "./lib/daemon.mjs";
import { open, visit } from "./lib/browser.mjs";
import { listener, speaker } from "./lib/fifo.mjs";
import { Gate } from "./lib/gate.mjs";
import { foot, hasLines } from "./lib/logs.mjs";
import { OUTAGE, becomes, counts, hasFocus, shows, status } from "./lib/looks.mjs";
import { stage } from "./lib/scenes.mjs";

const TOML = `
[tasks.quick]
run = "echo quick"

[tasks.talk]
run = """${listener("talk")}"""

[tasks.other]
run = """${listener("other")}"""
`;

const say = {};
const scene = stage(async () => {
  const daemon = await Daemon.start({ toml: TOML });
  for (const name of ["talk", "other"]) say[name] = speaker(daemon, name);
  return daemon;
});

const veil = (page) => page.locator(".veil");
const isInert = (page) => page.locator(".shell").evaluate((node) => node.inert);
const connection = (page) => page.locator(".side-state");
const fact = (page, name) => page.locator(`.lost dt:text-is("${name}") + dd`);

scene("the daemon is killed and started again", { except: OUTAGE }, async ({ page, daemon }) => {
  await visit(page, "/runs");
  await page.locator("#main").focus();
  await shows(connection(page), "connected");
  const before = performance.now();
  await daemon.kill();
  await veil(page).waitFor();
  const waited = performance.now() - before;
  assert.ok(waited > 2500, `the veil came after ${waited} ms: shorter gaps are not worth one`);
  await shows(page.locator("#lost-title"), "Connection lost");
  await shows(fact(page, "Down for"), /^\d+s$/);
  await shows(fact(page, "Last contact"), /^\d\d:\d\d:\d\d$/);
  await shows(connection(page), "offline");
  assert.equal(await isInert(page), true, "what is behind takes no input");
  await page.locator("h1", { hasText: "Runs" }).waitFor();
  const retry = page.getByRole("button", { name: "Retry now" });
  await hasFocus(retry);
  await page.keyboard.press("g");
  await page.keyboard.press("o");
  assert.equal(new URL(page.url()).pathname, "/runs", "keys do nothing either");
  const attempts = () => fact(page, "Attempt").textContent().then(Number);
  const tried = await attempts();
  await retry.click();
  await becomes("attempts", attempts, (n) => n > tried);
  await page.locator(".lost summary").click();
  await shows(page.locator(".lost pre"), /^GET \/health: /);

  await daemon.boot();
  // A run that nobody could see.
  const { id } = await daemon.run("quick");
  await daemon.ended(id);
  await counts(veil(page), 0, 40_000);
  assert.equal(await isInert(page), false);
  await shows(connection(page), "connected");
  await page.locator(`.run-table a[href$="${id}"]`).waitFor();
  // And events come again.
  const later = await daemon.run("quick");
  await page.locator(`.run-table a[href$="${later.id}"]`).waitFor();
});

scene("a log is cut in the middle by a network, and goes on without a line twice", {}, async ({ daemon, browser }) => {
  const gate = await Gate.start(daemon);
  const { id } = await daemon.run("talk");
  const view = await open(browser, gate);
  try {
    const { page } = view;
    await visit(page, `/tasks/talk/${id}`);
    say.talk("one", "two");
    await hasLines(page, ["one", "two"]);
    await gate.cut();
    say.talk("three", "four");
    await shows(page.locator(".log-edge:visible").last(), "Live stream interrupted, resuming");
    await becomes("lines", async () => (await daemon.api(`tasks/talk/runs/${id}/log`)).total_lines, 4);
    const missed = await daemon.run("quick");
    await daemon.ended(missed.id);
    await gate.open();
    await hasLines(page, ["one", "two", "three", "four"], 40_000);
    say.talk("five");
    await hasLines(page, ["one", "two", "three", "four", "five"]);
    await counts(veil(page), 0);
    await shows(page.locator('.side-item[title="quick"]'), "quick, success");
    say.talk("exit 0");
    await shows(page.locator(".run-verdict h2"), /^success after/);
    await shows(foot(page), /^5 lines/);
    view.troubles.assertNone({ except: OUTAGE });
  } finally {
    await view.context.close();
    await gate.cut();
  }
});

scene("a run whose daemon was killed", { except: OUTAGE }, async ({ page, daemon }) => {
  const { id } = await daemon.run("other");
  await visit(page, `/tasks/other/${id}`);
  say.other("before");
  await hasLines(page, ["before"]);
  await daemon.kill();
  await daemon.boot();
  await shows(page.locator(".run-verdict h2"), /^crashed after/, 40_000);
  await becomes("the lines", () => page.locator(".log-rows .line-text").first().textContent(), "before");
  await shows(page.locator('.side-item[title="other"]'), "other, crashed");
  await counts(page.locator('.log-rows .line[data-n="0"]'), 1);
});

scene("a short gap has no veil", { except: OUTAGE }, async ({ page, daemon }) => {
  await visit(page, "/");
  await page.evaluate(() => {
    window.veils = 0;
    new MutationObserver(() => {
      if (document.querySelector(".veil")) window.veils += 1;
    }).observe(document.body, { childList: true });
  });
  await daemon.kill();
  await shows(connection(page), "connecting");
  await daemon.boot();
  await shows(connection(page), "connected");
  const { id } = await daemon.run("quick");
  await page.locator(`aside a[href$="${id}"]`).waitFor();
  const lasted = await page.evaluate(() => window.veils);
  assert.equal(lasted, 0);
});

scene(
  "a proxy without its daemon is an outage, too",
  { except: [status(502)] },
  async ({ page }) => {
    await visit(page, "/");
    await page.route(/\/(api|health)/, (route) =>
      route.fulfill({ status: 502, contentType: "text/html", body: "<html>Bad Gateway</html>" }),
    );
    await page.getByRole("link", { name: "All runs", exact: true }).click();
    await veil(page).waitFor();
    await page.unroute(/\/(api|health)/);
    await page.getByRole("button", { name: "Retry now" }).click();
    await counts(veil(page), 0);
    await page.locator(".run-table").waitFor();
  },
);
