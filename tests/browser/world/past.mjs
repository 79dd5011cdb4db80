// A past to be put into a data directory while no daemon uses it: runs with their logs, outcomes by
// day, notifications, and when the daemon was up.

import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { Dice } from "./dice.mjs";
import { ulid } from "./ids.mjs";
import { writeLog } from "./output.mjs";
import { channelRow, dayRow, inserts, noticeRow, runRow, sessionRow } from "./tables.mjs";

/** The worst last. */
const RANK =
  "success dst_skipped skipped stopped queue_full missed log_overflow timeout failed crashed".split(" ");
const FAILURES = new Set(["failed", "timeout", "log_overflow", "crashed", "missed"]);

export class Past {
  #days = new Map();
  #runs = [];
  #sessions = [];
  #notices = [];
  #channels = [];
  #dice = new Dice(26);

  /** Runs before `since` are counted by day, and their rows are gone. */
  constructor({ zone, since }) {
    this.since = since;
    this.dayOf = calendar(zone);
  }

  /**
   * One ended run: `task`, `reason`, `createdAt`, and where they are not the usual ones `kind`, `exit`,
   * `by`, `startAt` (null: never started), `endAt`, `attempt`, `retryOf`, `replica`, `message`, `lines`.
   */
  add(run) {
    const whole = {
      kind: "task",
      exit: 0,
      by: "cron",
      startAt: run.createdAt,
      endAt: run.createdAt,
      attempt: 0,
      retryOf: null,
      replica: 0,
      message: null,
      lines: [],
      ...run,
    };
    whole.id = ulid(whole.createdAt, this.#dice);
    this.#countDay(whole.task, this.dayOf(whole.createdAt), whole.reason);
    if (whole.createdAt >= this.since) this.#runs.push(whole);
    return whole;
  }

  #countDay(task, date, reason) {
    const key = `${task} ${date}`;
    const day = this.#days.get(key) ?? { task, date, count: 0, failed: 0, worst: "success" };
    day.count += 1;
    day.failed += FAILURES.has(reason) ? 1 : 0;
    if (RANK.indexOf(reason) > RANK.indexOf(day.worst)) day.worst = reason;
    this.#days.set(key, day);
  }

  /** The daemon was up from `start` to `end`, and was killed or stopped well. */
  addSession(start, end, { isKilled = false } = {}) {
    this.#sessions.push({ start, end, isKilled });
  }

  /** What the bell shows: `run`, `title`, `body`, `at` (each occurrence), `kind`, `severity`, `isRead`. */
  notify(notice) {
    this.#notices.push({ id: ulid(notice.at.at(-1), this.#dice), ...notice });
  }

  /** How a channel fared: `channel`, `delivered`, `failed`, `deliveredAt`, `answer`, `failedAt`, `error`. */
  addChannel(channel) {
    this.#channels.push(channel);
  }

  /** Forgets the rows of all but the newest runs. */
  keepNewest(count) {
    this.#runs.sort((a, b) => a.createdAt - b.createdAt);
    this.#runs.splice(0, Math.max(0, this.#runs.length - count));
  }

  /** Forgets the output of all but the newest runs of each job. */
  keepLogs(count) {
    const kept = new Map();
    for (const run of [...this.#runs].sort((a, b) => b.createdAt - a.createdAt)) {
      kept.set(run.task, (kept.get(run.task) ?? 0) + 1);
      if (kept.get(run.task) > count) run.lines = [];
    }
  }

  get runs() {
    return this.#runs;
  }

  /** Writes the logs, then the database. */
  write(data) {
    const logs = join(data, "logs");
    for (const run of this.#runs) run.log = writeLog(logs, run, run.lines);
    const statements = [
      "PRAGMA synchronous = OFF;",
      "PRAGMA cache_size = -200000;",
      "BEGIN;",
      "DELETE FROM daemon_sessions;",
      ...inserts("daemon_sessions", this.#sessions.map(sessionRow)),
      ...inserts("runs", this.#runs.map(runRow)),
      ...inserts("daily_outcomes", [...this.#days.values()].map(dayRow)),
      ...inserts("notifications", this.#notices.map(noticeRow)),
      ...inserts("channels", this.#channels.map(channelRow)),
      "COMMIT;",
    ];
    execFileSync("sqlite3", ["-bail", join(data, "runwisp.db")], { input: statements.join("\n") });
  }
}

/** From instants to days of a zone, `2026-05-07` as Swedes write it. Days begin on the hour: hours are kept. */
function calendar(zone) {
  const format = new Intl.DateTimeFormat("sv-SE", {
    timeZone: zone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
  });
  const known = new Map();
  return (at) => {
    const hour = Math.floor(at / 3_600_000);
    if (!known.has(hour)) known.set(hour, format.format(at));
    return known.get(hour);
  };
}
