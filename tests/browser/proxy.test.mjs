// Through Debian's nginx with TLS, with the very configuration that README.md shows: in, and the
// lines of a run one by one.

import assert from "node:assert/strict";
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { launch, open, ready } from "./lib/browser.mjs";
import { Daemon, PASSWORD, freePort } from "./lib/daemon.mjs";
import { listener, speaker } from "./lib/fifo.mjs";
import { hasLines } from "./lib/logs.mjs";
import { becomes, isAt, shows, status } from "./lib/looks.mjs";
import { waitFor, within } from "./lib/wait.mjs";

/** The name that the examples of the manual use. */
const HOST = "jobs.example.org";
const README = readFileSync(new URL("../../README.md", import.meta.url), "utf8");
const TOML = `[tasks.talk]\nrun = """${listener("talk")}"""\n`;

const isInstalled = spawnSync("nginx", ["-v"]).error === undefined;
const shared = {};

before(async () => {
  if (!isInstalled) return;
  process.env.RUNWISP_TRUST_PROXY = example("RUNWISP_TRUST_PROXY=", "\n");
  shared.daemon = await Daemon.start({ toml: TOML });
  shared.say = speaker(shared.daemon, "talk");
  shared.port = await freePort();
  shared.proxy = await startNginx(shared.daemon, shared.port);
  shared.browser = await launch({ args: [`--host-resolver-rules=MAP ${HOST} 127.0.0.1`, "--no-proxy-server"] });
});

after(async () => {
  await shared.browser?.close();
  if (shared.proxy) {
    const ended = once(shared.proxy, "exit");
    shared.proxy.kill("SIGTERM");
    await within("the end of nginx", ended);
  }
  await shared.daemon?.remove();
});

test("behind nginx", { skip: isInstalled ? false : "nginx is not installed", timeout: 90_000 }, async () => {
  const { daemon, browser, port, say } = shared;
  const place = { url: `https://${HOST}:${port}` };
  const { context, page, troubles } = await open(browser, place, { signedIn: false, ignoreHTTPSErrors: true });
  try {
    await page.goto("/tasks/talk");
    await page.locator("#password").fill("wrong");
    await page.getByRole("button", { name: "Log in" }).click();
    await shows(page.locator(".login-says"), "Wrong password");
    await page.locator("#password").fill(PASSWORD);
    await page.getByRole("button", { name: "Log in" }).click();
    await ready(page);
    const [cookie] = await context.cookies();
    assert.deepEqual([cookie.name, cookie.secure, cookie.httpOnly], ["runwisp_jwt", true, true]);

    await page.getByRole("button", { name: "Run Now" }).click();
    await shows(page.locator(".run-verdict h2"), /^running for/);
    const said = [];
    for (let n = 1; n <= 5; n += 1) {
      say(`line ${n}`);
      said.push(`line ${n}`);
      // Each is there before the next one is printed: nothing on the way collects them.
      await hasLines(page, said);
    }
    say("exit 0");
    await shows(page.locator(".run-verdict h2"), /^success after/);

    // A proxy whose daemon is away answers for it.
    troubles.assertNone({ except: [status(401)] });
    await daemon.stop();
    await page.locator(".veil").waitFor();
    await daemon.boot();
    await becomes("the veil", () => page.locator(".veil").count(), 0, 40_000);
    await page.getByRole("link", { name: "All runs", exact: true }).click();
    await isAt(page, "/runs");
    await shows(page.locator(".run-table .cell-status").first(), "success");
    troubles.assertNone({ except: [status(401), status(502), /ERR_/] });
  } finally {
    await context.close();
  }
});

async function startNginx(daemon, port) {
  certify(daemon.home);
  const server = [
    ["listen 443", `listen 127.0.0.1:${port}`],
    ["/etc/ssl/jobs", daemon.home],
    [":9477", `:${daemon.port}`],
  ].reduce(replaced, example("```nginx\n", "```"));
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((what) => `${what}_temp_path temporary-${what};`)
    .join("\n");
  writeFileSync(
    join(daemon.home, "nginx.conf"),
    `daemon off; pid nginx.pid; events { }
http { access_log off; sendfile on; tcp_nopush on; gzip on;
types { text/html html; text/css css; text/javascript js; }
${temporary}
${server}}
`,
  );
  const proxy = spawn("nginx", ["-p", daemon.home, "-c", "nginx.conf", "-e", "nginx.err"], { stdio: "inherit" });
  await waitFor("nginx", () => {
    assert.equal(proxy.exitCode, null, readFileSync(join(daemon.home, "nginx.err"), "utf8"));
    const asked = ["--silent", "--insecure", "--noproxy", "*", "--resolve", `${HOST}:${port}:127.0.0.1`];
    return execFileSync("curl", [...asked, `https://${HOST}:${port}/health`], { encoding: "utf8" }) === "OK";
  });
  return proxy;
}

/** A key and a certificate, as the authority that it is signed by. */
function certify(home) {
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "key.pem"];
  const name = ["-subj", `/CN=${HOST}`, "-addext", `subjectAltName=DNS:${HOST}`];
  execFileSync("openssl", ["req", "-x509", "-days", "2", "-out", "fullchain.pem", ...key, ...name], {
    cwd: home,
    stdio: "ignore",
  });
}

/** What the manual has between two marks. */
function example(from, to) {
  const begin = README.indexOf(from);
  assert.notEqual(begin, -1, `README.md no longer has ${from}`);
  const rest = README.slice(begin + from.length);
  return rest.slice(0, rest.indexOf(to));
}

function replaced(text, [from, to]) {
  assert.ok(text.includes(from), `README.md no longer has ${from} in\n${text}`);
  return text.replaceAll(from, to);
}
