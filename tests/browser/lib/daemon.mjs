// A real daemon in a directory of its own: started on a free port, asked over its API, killed,
// started again at the same place, stopped. RUNWISP_BIN names the binary.

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, openSync, closeSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { childrenOf, endRuns } from "./orphans.mjs";
import { PATIENCE, waitFor, within } from "./wait.mjs";

export const PASSWORD = "correcthorse";

export const BINARY =
  process.env.RUNWISP_BIN ?? fileURLToPath(new URL("../../../target/debug/runwisp", import.meta.url));

/** Lines of the daemon's log that a failed test shows. */
const TOLD = 60;

export class Daemon {
  #process;
  #exited;
  #orphans = [];
  #token;
  #isTemporary;
  #isApart;

  constructor({ home, port, password, config, isTemporary, isApart }) {
    Object.assign(this, { home, port, password, config });
    this.data = join(home, "data");
    this.url = `http://127.0.0.1:${port}`;
    this.logFile = join(home, "daemon.log");
    this.#isTemporary = isTemporary;
    this.#isApart = isApart;
  }

  /**
   * `toml` is written to the home, which is a temporary directory unless one is named. `isApart`: a
   * Ctrl-C is not for the daemon, but for whoever stops it then.
   */
  static async start({ toml, password = PASSWORD, home, port, isApart = false }) {
    const isTemporary = home === undefined;
    home ??= mkdtempSync(join(tmpdir(), "runwisp-browser."));
    const config = join(home, "runwisp.toml");
    if (toml !== undefined) writeFileSync(config, toml);
    port ??= await freePort();
    const daemon = new Daemon({ home, port, password, config, isTemporary, isApart });
    try {
      await daemon.boot();
    } catch (error) {
      console.error(daemon.log());
      await daemon.remove();
      throw error;
    }
    return daemon;
  }

  /** Starts the process, and returns when it is well. */
  async boot() {
    const log = openSync(this.logFile, "a");
    const { RUNWISP_BIN, ...env } = process.env;
    const child = spawn(
      BINARY,
      ["daemon", "--config", this.config, "--data", this.data, "--port", String(this.port)],
      {
        cwd: this.home,
        env: { ...env, RUNWISP_PASSWORD: this.password },
        stdio: ["ignore", log, log],
        detached: this.#isApart,
      },
    );
    closeSync(log);
    this.#process = child;
    this.#exited = new Promise((resolve) => {
      child.once("exit", (code, signal) => resolve(signal ?? code));
      child.once("error", (error) => resolve(error.message));
    });
    const state = await waitFor(`health of ${this.url}`, async () => {
      if (!this.#isRunning()) return "ended";
      return (await fetch(`${this.url}/health`)).ok && "well";
    });
    if (state === "ended") throw new Error(`the daemon did not start: ${await this.#exited}`);
    this.#orphans = [];
  }

  get pid() {
    return this.#process.pid;
  }

  /** How the process ended, once it has. */
  get exited() {
    return this.#exited;
  }

  /** A session; also the value of the cookie `runwisp_jwt`. */
  async token() {
    this.#token ??= await logIn(this.url, this.password);
    return this.#token;
  }

  /** The answer to a request as JSON; anything but success is an error with the daemon's sentence. */
  async api(path, { method = "GET", body } = {}) {
    const headers = { Authorization: `Bearer ${await this.token()}` };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    const answer = await fetch(`${this.url}/api/${path}`, {
      method,
      headers,
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} /api/${path}: ${answer.status} ${text}`);
    return text === "" ? null : JSON.parse(text);
  }

  post(path, body) {
    return this.api(path, { method: "POST", body });
  }

  /** Starts a task, and gives its run. */
  run(task) {
    return this.post(`tasks/${encodeURIComponent(task)}/run`);
  }

  /** Waits until a run is over. */
  ended(id, patience = PATIENCE) {
    const over = async () => {
      const run = await this.api(`runs/${id}`);
      return run.status === "ended" && run;
    };
    return waitFor(`the end of ${id}`, over, patience);
  }

  /** SIGKILL: its runs live on. */
  async kill() {
    this.#orphans = childrenOf(this.pid);
    this.#process.kill("SIGKILL");
    await within("its death", this.#exited);
  }

  /** SIGTERM; returns how it ended, 0 if well. */
  async stop() {
    this.#process.kill("SIGTERM");
    return within("its end", this.#exited);
  }

  /** Stops it if need be, and starts it with the same home and port. */
  async restart() {
    if (this.#isRunning()) await this.stop();
    await this.boot();
  }

  /** Ends everything that it started, and takes its home away if that is a temporary one. */
  async remove() {
    if (this.#isRunning()) await this.stop();
    endRuns(this.#orphans);
    if (this.#isTemporary) rmSync(this.home, { recursive: true, force: true });
  }

  /** The end of what it logged. */
  log() {
    if (!existsSync(this.logFile)) return "the daemon logged nothing";
    return readFileSync(this.logFile, "utf8").trimEnd().split("\n").slice(-TOLD).join("\n");
  }

  #isRunning() {
    return (
      this.#process?.pid !== undefined && this.#process.exitCode === null && this.#process.signalCode === null
    );
  }
}

/** Runs `test` with a daemon that is removed afterwards. When it fails the daemon's log is printed. */
export async function withDaemon(options, test) {
  const daemon = await Daemon.start(options);
  try {
    return await test(daemon);
  } catch (error) {
    console.error(`the daemon's log:\n${daemon.log()}`);
    throw error;
  } finally {
    await daemon.remove();
  }
}

/** docs/security.md, Login. */
export async function logIn(url, password) {
  const { nonce } = await (await fetch(`${url}/api/auth/challenge`)).json();
  const response = createHash("sha256").update(`${password}:${nonce}`).digest("hex");
  const answer = await fetch(`${url}/api/auth`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ nonce, response }),
  });
  if (!answer.ok) throw new Error(`cannot log in to ${url}: ${await answer.text()}`);
  return (await answer.json()).token;
}

export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}
