// When schedules ticked: asked of `runwisp` itself, so clock changes fall as they do in the daemon.

import { execFileSync } from "node:child_process";
import { BINARY } from "../lib/daemon.mjs";

/** How many are asked for at first; few schedules tick often. At most 10,000 come at once. */
const FEW = 1000;
const MOST = 10_000;

/** Ticks of a task after `from` and before `to`: the instant, the day in the task's zone, whether it fires. */
export function ticks(config, task, from, to) {
  const found = [];
  let after = from;
  for (let count = FEW; ; count = Math.min(count * 5, MOST)) {
    const page = ask(
      "next",
      task,
      "--config",
      config,
      "--from",
      new Date(after).toISOString(),
      "--count",
      String(count),
    );
    for (const { at, fires } of page.ticks) {
      const instant = Date.parse(at);
      if (instant >= to) return found;
      found.push({ at: instant, day: at.slice(0, 10), fires });
    }
    if (page.ticks.length < count) return found;
    after = found.at(-1).at;
  }
}

function ask(...words) {
  return JSON.parse(execFileSync(BINARY, [...words, "--json"], { encoding: "utf8", maxBuffer: 64 << 20 }));
}
