// Logging in and out: with the password, with a ticket, and when a session ends under a page.

import assert from "node:assert/strict";
import { request } from "node:http";
import { join } from "node:path";
import { Daemon, PASSWORD } from "./lib/daemon.mjs";
import { ready, visit } from "./lib/browser.mjs";
import { becomes, hasFocus, isAt, shows, status } from "./lib/looks.mjs";
import { stage } from "./lib/scenes.mjs";

const scene = stage(() => Daemon.start({ toml: '[tasks.hello]\nrun = "echo hello"\n' }));

const field = (page) => page.locator("#password");
const submit = (page) => page.getByRole("button", { name: "Log in" });
const says = (page) => page.locator(".login-says");

/** Goes somewhere without a session. */
async function arrive(page, path) {
  await page.goto(path);
  await field(page).waitFor();
}

scene("the right password opens the page that was asked for", { signedIn: false }, async ({ page, context }) => {
  const bodies = [];
  context.on("request", (asked) => bodies.push(asked.postData() ?? ""));
  await arrive(page, "/tasks/hello");
  assert.equal(await page.locator(".shell").evaluate((node) => node.inert), true, "what is behind takes no input");
  await hasFocus(field(page));
  await field(page).fill(PASSWORD);
  await page.keyboard.press("Enter");
  await ready(page);
  await shows(page.locator("h1"), "hello");
  await isAt(page, "/tasks/hello");
  assert.equal(await page.title(), "hello · runwisp");
  assert.equal(await field(page).count(), 0);
  assert.ok(!bodies.some((body) => body.includes(PASSWORD)), "the password is not sent");
  const [cookie] = await context.cookies();
  assert.deepEqual([cookie.name, cookie.httpOnly], ["runwisp_jwt", true]);
});

scene("the password can be shown", { signedIn: false }, async ({ page }) => {
  await arrive(page, "/");
  await field(page).fill("abc");
  await page.getByRole("button", { name: "Show password" }).click();
  assert.equal(await field(page).getAttribute("type"), "text");
  await page.getByRole("button", { name: "Show password" }).click();
  assert.equal(await field(page).getAttribute("type"), "password");
});

scene(
  "wrong ones are told, then there is a wait",
  { signedIn: false, except: [status(401), status(429)] },
  async ({ page, daemon }) => {
    await arrive(page, "/runs");
    await field(page).fill("wrong");
    await submit(page).click();
    await shows(says(page), "Wrong password");
    assert.equal(
      await field(page).evaluate((node) => node.value.slice(node.selectionStart, node.selectionEnd)),
      "wrong",
      "it is selected, to be typed over",
    );
    for (let n = 1; n < 5; n += 1) {
      const answer = page.waitForResponse(/\/api\/auth$/);
      await field(page).fill(`wrong ${n}`);
      await submit(page).click();
      assert.equal((await answer).status(), 401);
      await becomes("the button", () => submit(page).isEnabled(), true);
    }
    await field(page).fill("kept as it is");
    await submit(page).click();
    await shows(says(page), /^Too many attempts, try again in [45]:[0-5]\d$/);
    const before = await says(page).textContent();
    assert.equal(await submit(page).isDisabled(), true);
    assert.equal(await field(page).inputValue(), "kept as it is");
    await becomes("the time that is left", () => says(page).textContent(), (text) => text !== before);
    // Whoever presses Enter asks nobody.
    let asked = 0;
    page.on("request", () => (asked += 1));
    await field(page).press("Enter");
    await becomes("the next second", () => says(page).textContent(), (text) => text !== before);
    assert.equal(asked, 0);

    await daemon.restart();
    await page.reload();
    await field(page).fill(PASSWORD);
    await submit(page).click();
    await ready(page);
    await isAt(page, "/runs");
  },
);

scene("the wait is over by itself", { signedIn: false, except: [status(429)] }, async ({ page }) => {
  await page.route(/\/api\/auth\/challenge$/, (route) =>
    route.fulfill({
      status: 429,
      headers: { "Retry-After": "2", "Content-Type": "application/problem+json" },
      body: '{"title":"Too Many Requests","status":429,"detail":"too many attempts"}',
    }),
  );
  await arrive(page, "/");
  await field(page).fill("x");
  await submit(page).click();
  await shows(says(page), /try again in 0:0[12]/);
  await becomes("the button", () => submit(page).isEnabled(), true);
  await shows(says(page), "");
});

scene("a daemon that does not answer is told", { signedIn: false, except: [/ERR_FAILED/] }, async ({ page }) => {
  await arrive(page, "/");
  await page.route(/\/api\/auth\/challenge$/, (route) => route.abort());
  await field(page).fill("x");
  await submit(page).click();
  await shows(says(page), "Cannot reach the daemon");
});

scene("a session that ends under a page", { except: [status(401)] }, async ({ page, context, daemon }) => {
  await visit(page, "/");
  await context.clearCookies();
  // Another request may have met the end before: then the login stands in the way of a mouse.
  await page.getByRole("link", { name: "All runs", exact: true }).evaluate((link) => link.click());
  await field(page).waitFor();
  await isAt(page, "/runs");
  const { id } = await daemon.run("hello");
  await daemon.ended(id);
  await field(page).fill(PASSWORD);
  await submit(page).click();
  await ready(page);
  await page.locator(`.run-table a[href$="${id}"]`).waitFor();
  assert.equal(await page.locator(".shell").evaluate((node) => node.inert), false);
});

scene("what was asked without a session is done after the login", { except: [status(401)] }, async (view) => {
  const { page, context, daemon } = view;
  await visit(page, "/tasks/hello");
  const before = (await daemon.api("runs")).total;
  await context.clearCookies();
  await page.getByRole("button", { name: "Run Now" }).click();
  await field(page).fill(PASSWORD);
  await submit(page).click();
  await becomes("the runs", async () => (await daemon.api("runs")).total, before + 1);
  const [{ id }] = (await daemon.api("runs")).runs;
  await isAt(page, `/tasks/hello/${id}`);
  await shows(page.locator(".run-verdict h2"), /^success after/);
});

scene("a ticket in the address", { signedIn: false, except: [status(401)] }, async ({ page, daemon }) => {
  const value = await ticket(daemon);
  await visit(page, `/tasks/hello?ticket=${value}`);
  await shows(page.locator("h1"), "hello");
  await isAt(page, "/tasks/hello");
  // Used up, and of no use in the history either.
  await page.context().clearCookies();
  await arrive(page, `/?ticket=${value}`);
  await isAt(page, "/");
});

scene("logging out", { except: [status(401)] }, async ({ page, context }) => {
  await visit(page, "/");
  await page.getByRole("button", { name: "Log out" }).click();
  await field(page).waitFor();
  assert.deepEqual(await context.cookies(), []);
  await page.goto("/runs");
  await field(page).waitFor();
});

/** A launch ticket, as a terminal of the host gets one. */
function ticket(daemon) {
  return new Promise((resolve, reject) => {
    const asked = request(
      { socketPath: join(daemon.data, "runwisp.sock"), method: "POST", path: "/api/auth/launch-ticket" },
      async (answer) => {
        let text = "";
        for await (const part of answer) text += part;
        resolve(JSON.parse(text).ticket);
      },
    );
    asked.once("error", reject);
    asked.setHeader("Content-Length", 0);
    asked.end();
  });
}
