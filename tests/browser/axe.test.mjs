// What axe-core finds on every page, wide and on a phone, light and dark: nothing serious.

import assert from "node:assert/strict";
import { violations, withAxe } from "./lib/axe.mjs";
import { ready, visit } from "./lib/browser.mjs";
import { becomes } from "./lib/looks.mjs";
import { stage } from "./lib/scenes.mjs";
import { world } from "./world.mjs";

const scene = stage(() => world("little"));

/** Another page without loading everything anew. */
const go = (page, path) =>
  page.evaluate((to) => {
    history.pushState(null, "", to);
    dispatchEvent(new PopStateEvent("popstate"));
  }, path);

async function everywhere(page, daemon, act) {
  const [failed] = (await daemon.api("runs?task_name=backup-vault&status=failed&limit=1")).runs;
  const [running] = (await daemon.api("runs?task_name=rebuild-thumbnails&limit=1")).runs;
  for (const path of [
    "/",
    "/timeline",
    "/runs",
    "/tasks/backup-vault",
    `/tasks/backup-vault/${failed.id}`,
    `/tasks/rebuild-thumbnails/${running.id}`,
    "/tasks/web",
    "/notifications",
    "/settings",
    "/no/such/page",
  ]) {
    await go(page, path);
    await ready(page);
    await act(path);
  }
}

for (const size of ["wide", "phone"]) {
  // Without a policy axe would not be let in; it is no part of the page.
  const options = { size, bypassCSP: true, reducedMotion: "reduce" };
  scene(`pages, ${size}`, options, async ({ page, daemon }) => {
    await visit(page, "/");
    await withAxe(page);
    const found = [];
    await everywhere(page, daemon, async (path) => {
      found.push(...(await violations(page, path)));
    });
    assert.deepEqual(found, []);
  });

  scene(`what opens over them, ${size}`, { ...options, except: [/\b401\b/] }, async ({ page, context }) => {
    await visit(page, "/runs");
    await withAxe(page);
    const found = [];
    const look = async (what) => {
      found.push(...(await violations(page, what)));
    };
    await page.getByRole("button", { name: /^Filter ?\d*$/ }).click();
    await look("filter");
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: /^Notifications/ }).click();
    await page.locator(".notice").first().waitFor();
    await look("bell");
    await page.keyboard.press("Escape");
    await page.getByRole("button", { name: "Select", exact: true }).click();
    await page.locator(".pick").first().check();
    await look("selection");
    await page.keyboard.press("Escape");
    await page.keyboard.press("?");
    await page.locator("dialog[open]").waitFor();
    await look("keys");
    await page.keyboard.press("Escape");
    await go(page, "/tasks/backup-vault");
    await page.locator(".task-line .why").click();
    await page.locator(".why-answer").waitFor();
    await look("why");
    await page.keyboard.press("Escape");
    await context.clearCookies();
    await go(page, "/timeline");
    await page.locator("#password").waitFor();
    await becomes("the login", () => page.evaluate(() => document.documentElement.dataset.login), "true");
    await look("login");
    assert.deepEqual(found, []);
  });
}
