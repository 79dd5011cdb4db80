// Names, descriptions, groups, messages and output that try to be something else: markup, terminal
// commands, bytes that are no text. The runs are real ones, so it all went through the real capture.

import { readFileSync } from "node:fs";
import { Past } from "./past.mjs";

const MARKUP = "<script>alert(1)</script><img src=x onerror=alert(1)> \"'& \u202Eover";

export const toml = readFileSync(new URL("hostile.toml", import.meta.url), "utf8");

/** What can't be had from a process: an instance's row of long ago, and notifications. */
export function past(config, now) {
  const past = new Past({ zone: "Europe/Prague", since: 0 });
  const run = past.add({
    task: "script.tags",
    reason: "failed",
    exit: -1,
    createdAt: now - 3_600_000,
    message: MARKUP,
    lines: [[0, "stdout", Buffer.from([0x66, 0x6f, 0x00, 0xff, 0xfe, 0x1b, 0x5b, 0x33])]],
  });
  past.add({
    task: "a-task-that-is-gone",
    reason: "success",
    createdAt: now - 7_200_000,
    lines: [[0, "system", MARKUP]],
  });
  past.addSession(now - 8_000_000, now);
  past.notify({ run, title: MARKUP, body: `${MARKUP}\n`.repeat(20), at: [now - 3_600_000] });
  return past;
}

/** Runs every task once; how it ends does not matter here. */
export async function liven(daemon) {
  const tasks = (await daemon.api("tasks")).filter(({ kind }) => kind === "task");
  const runs = await Promise.all(tasks.map(({ name }) => daemon.run(name)));
  await Promise.all(runs.map(({ id, run_id }) => daemon.ended(id ?? run_id)));
}
