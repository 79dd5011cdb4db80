// Pictures of every page of the dashboard, light and dark, on a desk and on a phone.
//
//     node tests/browser/shots.mjs [NAME…]
//
// writes `target/shots/NAME-SIZE-SCHEME.png`, all of them or those whose NAME is given. Prints the
// troubles that the browser had on the way, and fails with any.

import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { SIZES, launch, open, visit } from "./lib/browser.mjs";
import { waitFor } from "./lib/wait.mjs";
import { world } from "./world.mjs";
import { toml } from "./world/operate.mjs";

const FOLDER = fileURLToPath(new URL("../../target/shots/", import.meta.url));
const SCHEMES = ["light", "dark"];

/** Without a session it asks for one, and is then not ready. */
const LOGIN = 'html[data-login="true"] input[type="password"]';
const OF_THE_LOGIN = [/\b401\b/];

/** What a daemon that is gone does to a page. */
const OF_THE_DEATH = [
  /ERR_CONNECTION_REFUSED/,
  /ERR_CONNECTION_RESET/,
  /ERR_EMPTY_RESPONSE/,
  /ERR_INCOMPLETE_CHUNKED_ENCODING/,
];

/** A reload that is refused. */
const OF_THE_FLAWS = [/\b422\b/];

async function openBell(page) {
  await page.getByRole("button", { name: /^Notifications/ }).click();
  await page.locator("dialog .notice").first().waitFor();
}

const toEnd = (page) =>
  page.evaluate(() => {
    const main = document.getElementById("main");
    main.scrollTop = main.scrollHeight;
  });

const withDialog = (button) => async (page) => {
  await button(page).click();
  await page.locator("dialog[open] h2").waitFor();
};

/** What is operated, in a world of its own. */
async function operated(daemon) {
  const params = { TARGET: "live", "--branch=": "v4.2", note: null, "--migrate": "true" };
  const run = await daemon.post("tasks/deploy/run", { params });
  await daemon.ended(run.id);
  const isFatal = async () => (await daemon.api("tasks/mailer")).fatal;
  await waitFor("a service that gives up", isFatal);
  const named = (name) => (page) => page.getByRole("button", { name, exact: true }).first();
  const unfold = async (page) => {
    await page.locator(".folded summary").click();
    await page.locator(".folded pre").waitFor();
  };
  const change = (text) => () =>
    writeFileSync(daemon.config, `${toml.replace("0 5 * * *", "0 6 * * *")}\n[tasks.prune]\n${text}\n`);
  const valid = change('run = "true"');
  return [
    { name: "given-up", path: "/" },
    { name: "run-given", path: `/tasks/deploy/${run.id}`, after: unfold },
    { name: "run-form", path: "/tasks/deploy", after: withDialog(named("Run Now")) },
    { name: "instances", path: "/tasks/web" },
    { name: "fatal", path: "/tasks/mailer" },
    { name: "why", path: "/tasks/report", after: withDialog((page) => page.locator(".task-line .why")) },
    { name: "stale", path: "/", before: valid },
    { name: "reload", path: "/tasks/report", before: valid, after: withDialog(named("What would change?")) },
    {
      name: "flaws", path: "/tasks/report", except: OF_THE_FLAWS,
      before: change("rum = 5"), after: withDialog(named("Reload")),
    },
  ];
}

/** Name, address, and what is not as usual: what is done `before`, and `after` with the page. */
async function pages(daemon) {
  const newest = async (query) => (await daemon.api(`runs?limit=1&${query}`)).runs[0];
  const runPath = ({ task_name, id }) => `/tasks/${encodeURIComponent(task_name)}/${id}`;
  return [
    { name: "login", path: "/", signedIn: false, except: OF_THE_LOGIN },
    { name: "overview", path: "/" },
    { name: "timeline", path: "/timeline" },
    { name: "runs", path: "/runs" },
    { name: "task", path: "/tasks/backup-offsite" },
    { name: "task-failed", path: runPath(await newest("task_name=backup-offsite&status=failed")) },
    { name: "task-running", path: runPath(await newest("task_name=rebuild-thumbnails")) },
    { name: "service", path: "/tasks/web" },
    { name: "task-muted", path: "/tasks/backup-offsite", before: () => daemon.post("tasks/backup-offsite/mute") },
    { name: "notifications", path: "/notifications" },
    { name: "bell", path: "/", after: openBell },
    { name: "settings", path: "/settings" },
    { name: "settings-end", path: "/settings", after: toEnd },
    { name: "not-found", path: "/no/such/page" },
    { name: "disconnected", path: "/", isKilled: true, except: OF_THE_DEATH },
  ];
}

/** Returns the troubles. */
async function shoot(browser, daemon, page, size, scheme) {
  const { name, path, signedIn = true, isKilled = false, except = [], before, after } = page;
  const view = await open(browser, daemon, { size, scheme, signedIn, reducedMotion: "reduce" });
  try {
    await before?.();
    if (signedIn) {
      await visit(view.page, path);
      await after?.(view.page);
    } else {
      await view.page.goto(path);
      await view.page.locator(LOGIN).waitFor();
    }
    if (isKilled) {
      await daemon.kill();
      await view.page.locator(".veil").waitFor();
    }
    await view.page.screenshot({ path: `${FOLDER}${name}-${size}-${scheme}.png`, animations: "disabled" });
    return view.troubles.list({ except });
  } catch (error) {
    return [`no picture: ${error.message.split("\n")[0]}`, ...view.troubles.list({ except })];
  } finally {
    await view.context.close();
    if (isKilled) await daemon.restart();
  }
}

/** Each world with its pages; the one is gone before the next one comes. */
const WORLDS = { vps: pages, operate: operated };

/** Returns how many troubles there were. */
async function shootWorld(browser, name, wanted) {
  const daemon = await world(name);
  let count = 0;
  try {
    for (const page of await WORLDS[name](daemon)) {
      if (wanted.length > 0 && !wanted.includes(page.name)) continue;
      for (const size of Object.keys(SIZES)) {
        for (const scheme of SCHEMES) {
          const troubles = await shoot(browser, daemon, page, size, scheme);
          count += troubles.length;
          console.log(`${page.name}-${size}-${scheme}${troubles.map((text) => `\n    ${text}`).join("")}`);
        }
      }
    }
  } finally {
    await daemon.remove();
  }
  return count;
}

async function main(wanted) {
  mkdirSync(FOLDER, { recursive: true });
  const browser = await launch();
  let count = 0;
  try {
    for (const name of Object.keys(WORLDS)) count += await shootWorld(browser, name, wanted);
  } finally {
    await browser.close();
  }
  return count === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
