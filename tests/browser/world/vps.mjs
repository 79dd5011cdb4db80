// A small server with a shop: 14 jobs, 45 weeks of outcomes, six weeks of runs with their logs. Its
// newest hours hold what a dashboard has to tell: a backup that failed three times, a timeout, a run
// that was missed while the daemon was down, a service with a replica that does not stay up.

import { readFileSync } from "node:fs";
import { Dice } from "./dice.mjs";
import { fullVault } from "./offsite.mjs";
import { Past } from "./past.mjs";
import { ticks } from "./ticks.mjs";
import { SERVICES, TASKS, THUMBNAILS } from "./vps-jobs.mjs";
import { downtimes, failAgain, liveOn, lives } from "./vps-lives.mjs";
import { Story } from "./vps-tasks.mjs";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const ZONE = "Europe/Prague";
const WEEKS = 45;
const WEEKS_WITH_ROWS = 6;
/** Runs of each job that have a log. */
const LOGGED = 300;

export const toml = readFileSync(new URL("vps.toml", import.meta.url), "utf8");

export function past(config, now) {
  const dice = new Dice(14);
  const from = now - WEEKS * 7 * DAY;
  const past = new Past({ zone: ZONE, since: now - WEEKS_WITH_ROWS * 7 * DAY });
  const last = (task, before) => ticks(config, task, before - 4 * DAY, before).at(-1).at;
  const down = downtimes(dice, from, last("renew-certs", now - 40 * MINUTE));
  const scripted = {};
  const story = new Story({ past, dice, config, from, now, down, scripted });

  const offsite = (before) => last("backup-offsite", before);
  scripted["backup-offsite"] = new Map([
    [offsite(now - 25 * MINUTE), (at) => failThrice(story, at)],
    [offsite(now - 20 * DAY), (at) => failOnce(story, at)],
    [
      offsite(now - 33 * DAY),
      (at) => story.run("backup-offsite", { ...TASKS["backup-offsite"], stopped: 1 }, at),
    ],
  ]);
  const late = last("sync-rates", now - 6 * MINUTE);
  const slow = { ...TASKS["sync-rates"], timeout: 1 };
  const timesOut = (at) => story.run("sync-rates", slow, at);
  scripted["sync-rates"] = new Map([
    [late, timesOut],
    [late - 9 * HOUR, timesOut],
  ]);
  const long = {
    ...TASKS["import-feeds"],
    usual: 17 * MINUTE + 20 * SECOND,
    spread: 0,
    failed: 0,
    stopped: 0,
  };
  scripted["import-feeds"] = new Map([
    [last("import-feeds", now - 4 * HOUR), (at) => story.run("import-feeds", long, at)],
  ]);

  for (const [name, task] of Object.entries(TASKS)) story.tell(name, task);
  byHand(story, now);
  services(past, dice, lives(down, from, now), now);
  notices(past);
  channels(past, now);
  past.keepLogs(LOGGED);
  return past;
}

/** Somebody has just started the thumbnails. */
export async function liven(daemon) {
  await daemon.run("rebuild-thumbnails");
}

/** The retry saves the day. */
function failOnce(story, tick) {
  const task = TASKS["backup-offsite"];
  const run = story.add("backup-offsite", task, { createdAt: tick + 5, took: 252_070, reason: "failed" });
  const createdAt = run.endAt + task.retries.delay + 2;
  story.add("backup-offsite", task, {
    createdAt,
    took: 149_310,
    reason: "success",
    attempt: 1,
    retryOf: run.id,
  });
}

/** docs/running.md, Retries: 5 minutes after the end of the run before. */
function failThrice(story, tick) {
  const { dice } = story;
  let createdAt = tick + 4;
  let retryOf = null;
  for (const [attempt, took] of [184_212, 171_480, 184_377].entries()) {
    const lines = fullVault(dice, took);
    const run = story.add("backup-offsite", TASKS["backup-offsite"], {
      createdAt,
      took,
      reason: "failed",
      attempt,
      retryOf,
      lines,
    });
    retryOf = run.id;
    createdAt = run.endAt + 5 * MINUTE + 3;
  }
}

/** What was started from the dashboard or a terminal. */
function byHand(story, now) {
  const { dice } = story;
  const yesterday = now - DAY - 3 * HOUR;
  story.run("backup-offsite", { ...TASKS["backup-offsite"], failed: 0, stopped: 0 }, yesterday, {
    by: "api",
  });
  for (let days = WEEKS_WITH_ROWS * 7 - 1; days > 1; days -= dice.between(1, 4)) {
    const at = now - days * DAY - dice.between(0, 7) * HOUR - dice.between(0, 59) * MINUTE;
    story.run("rebuild-thumbnails", { ...THUMBNAILS, stopped: days < 5 ? 1 : 0.06 }, at, { by: "api" });
  }
}

function services(past, dice, lives, now) {
  // Ends shortly before now, with a wait of half a minute after each end.
  const durations = [402, 371, 388, 344].map((seconds) => seconds * SECOND);
  const gap = 30 * SECOND;
  const lastLife = lives.at(-1).start;
  const total = durations.reduce((sum, took) => sum + took + gap, 0);
  const begin = Math.max(now - total - 10 * SECOND, lastLife + MINUTE);
  for (const life of lives) past.addSession(life.start, life.end, life);
  for (const [name, service] of Object.entries(SERVICES)) {
    for (let replica = 0; replica < service.replicas; replica += 1) {
      const isBroken = name === "web" && replica === 2;
      const last = liveOn(past, dice, name, service, replica, lives, isBroken ? begin - gap : Infinity);
      if (isBroken) failAgain(past, dice, name, service, last, begin, durations, gap);
    }
  }
}

/** One notification for each kind of trouble of the newest day, and an old one that was read. */
function notices(past) {
  const all = (task, reason) => past.runs.filter((run) => run.task === task && run.reason === reason);
  const newest = (task, reason, count) => all(task, reason).slice(-count);
  const tell = (runs, title, body, rest) =>
    past.notify({ run: runs.at(-1), title, body, at: runs.map((run) => run.endAt), ...rest });
  const saved = all("backup-offsite", "failed").slice(0, 1);
  tell(saved, "backup-offsite failed", "Exit code 1 after 4m 12s", { isRead: true });
  tell(
    newest("backup-offsite", "failed", 3),
    "backup-offsite failed",
    "Exit code 1 after 3m 4s\nsend   91%\ncannot write to the vault: no space left on device",
  );
  tell(newest("sync-rates", "timeout", 1), "sync-rates timed out", "Stopped at the 5m timeout\nwaiting for the bank", {
    kind: "run.timeout",
  });
  tell(newest("import-feeds", "success", 1), "import-feeds took too long", "Took 17m 20s, expected at most 10m", {
    kind: "run.too_long",
    severity: "warn",
  });
  tell(newest("prune-sessions", "success", 1), "prune-sessions recovered", "Finished in 0.8s, after 2 failures", {
    kind: "run.recovered",
    severity: "info",
  });
  tell(newest("web", "failed", 4), "web failed", "Exit code 1 after 5m 44s\ncannot connect to the session store: connection refused");
}

/** One that works, one that worked once, and one that never had anything to do. */
function channels(past, now) {
  past.addChannel({ channel: "ops", delivered: 214, failed: 2, deliveredAt: now - 3 * HOUR, answer: "200 ok", failedAt: now - 12 * DAY, error: "slack:ops: 503 after 5m" });
  past.addChannel({ channel: "mail", delivered: 31, deliveredAt: now - 9 * HOUR, answer: "250 2.0.0 queued as 4F1c2" });
  past.addChannel({ channel: "mail:dba@example.org", delivered: 3, failed: 1, deliveredAt: now - 40 * DAY, answer: "250 2.0.0 queued as 9Ab01", failedAt: now - 2 * DAY, error: "smtp:mail: 550 5.1.1 no such user here" });
}
