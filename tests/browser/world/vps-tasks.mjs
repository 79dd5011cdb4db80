// How the tasks of the small server fared: one run for each tick, most of them fine.

import { ticks } from "./ticks.mjs";

const TERMINATED = 143;
const NO_PROCESS = -1;

export class Story {
  /** `down`: times without a daemon; `scripted`: what certain ticks of a task are to become. */
  constructor({ past, dice, config, from, now, down, scripted }) {
    Object.assign(this, { past, dice, config, from, now, down, scripted });
  }

  tell(name, task) {
    let busyUntil = 0;
    const missed = new Map();
    for (const tick of ticks(this.config, name, this.from, this.now)) {
      const downtime = this.down.find(({ start, end }) => tick.at >= start && tick.at < end);
      const scripted = this.scripted[name]?.get(tick.at);
      if (downtime !== undefined) {
        missed.set(downtime, [...(missed.get(downtime) ?? []), tick]);
      } else if (!tick.fires) {
        this.refuse(name, tick.at, "dst_skipped");
      } else if (scripted !== undefined) {
        busyUntil = scripted(tick.at) ?? busyUntil;
      } else if (task.skipsOverlap && tick.at < busyUntil) {
        this.refuse(name, tick.at, "skipped", { message: "task already running, skipping (policy: skip)" });
      } else {
        busyUntil = this.run(name, task, tick.at);
      }
    }
    for (const [downtime, lost] of missed) this.miss(name, downtime, lost);
  }

  /** A run as they usually go, with its retries. Returns when the last one ended. */
  run(name, task, at, { by = "cron", attempt = 0, retryOf = null } = {}) {
    const createdAt = at + this.dice.between(1, 9);
    const { reason, took } = this.#cut(createdAt, this.#fate(task));
    const run = this.add(name, task, { createdAt, took, reason, by, attempt, retryOf });
    const { count, delay } = task.retries ?? { count: 0 };
    const next = run.endAt + delay;
    if (reason !== "failed" || attempt === count || next >= this.now) return run.endAt;
    return this.run(name, task, next, { by, attempt: attempt + 1, retryOf: run.id });
  }

  #fate(task) {
    const { dice } = this;
    let chance = dice.roll();
    for (const reason of ["failed", "timeout", "stopped"]) {
      chance -= task[reason] ?? 0;
      if (chance >= 0) continue;
      const took =
        reason === "timeout" ? task.limit + dice.between(8, 20) : dice.around(task.usual, task.spread);
      return { reason, took };
    }
    return { reason: "success", took: dice.around(task.usual, task.spread) };
  }

  /** No run outlasts its daemon, and all are over by now. */
  #cut(createdAt, { reason, took }) {
    const end = createdAt + took;
    const downtime = this.down.find(({ start }) => createdAt < start && end > start);
    if (downtime !== undefined) {
      return { reason: downtime.isKilled ? "crashed" : "stopped", took: downtime.start - createdAt };
    }
    return { reason, took: end < this.now ? took : Math.max(0, this.now - createdAt - 1) };
  }

  add(name, task, { createdAt, took, reason, lines, ...rest }) {
    const told = lines ?? toldBy(task, this.dice, took, reason);
    const exit = { success: 0, failed: 1, timeout: TERMINATED, stopped: TERMINATED, crashed: -2 }[reason];
    return this.past.add({
      task: name,
      reason,
      exit,
      createdAt,
      endAt: createdAt + took,
      lines: told,
      ...rest,
    });
  }

  refuse(name, at, reason, rest = {}) {
    const createdAt = at + this.dice.between(1, 9);
    this.past.add({
      task: name,
      reason,
      exit: NO_PROCESS,
      createdAt,
      startAt: null,
      endAt: createdAt,
      ...rest,
    });
  }

  miss(name, downtime, lost) {
    const { dice, past } = this;
    const runs = lost.length === 1 ? "run" : "runs";
    const since = new Intl.DateTimeFormat("sv-SE", {
      timeZone: "Europe/Prague",
      dateStyle: "short",
      timeStyle: "short",
    }).format(lost[0].at);
    past.add({
      task: name,
      reason: "missed",
      exit: NO_PROCESS,
      createdAt: lost.at(-1).at,
      startAt: null,
      endAt: downtime.end + dice.between(10, 40),
      message: `${lost.length} scheduled ${runs} missed since ${since}`,
    });
  }
}

function toldBy(task, dice, took, reason) {
  const lines = task.says(dice, took);
  if (reason === "success") return lines;
  const half = lines.slice(0, Math.ceil(lines.length / 2)).filter(([after]) => after <= took);
  if (reason === "failed") return [...half, [took, "stderr", task.complaint]];
  return [...half, [took, "system", "killed by SIGTERM"]];
}
