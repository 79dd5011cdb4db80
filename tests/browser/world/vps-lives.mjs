// When the daemon of the small server was up, and how its services lived inside those times.

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;

/** What a process that got SIGTERM, and one whose daemon died, leave in the row. */
const TERMINATED = 143;
const CRASHED = -2;

/** The times in which the daemon was down, earliest first. `renewal`: a tick that the newest one swallows. */
export function downtimes(dice, from, renewal) {
  const down = [];
  for (let at = from + 9 * DAY; at < renewal - 14 * DAY; at += dice.between(24, 40) * DAY) {
    down.push({ start: at, end: at + dice.between(40, 130) * SECOND, isKilled: false });
  }
  const outage = renewal - 11 * DAY - 7 * 60 * MINUTE + 21 * SECOND;
  down.push({ start: outage, end: outage + 4 * MINUTE, isKilled: true });
  down.push({ start: renewal - MINUTE, end: renewal + 12 * MINUTE, isKilled: false });
  return down;
}

/** The times between them, up to now. */
export function lives(down, from, now) {
  const starts = [from, ...down.map(({ end }) => end)];
  const ends = [...down, { start: now, isKilled: false }];
  return starts.map((start, n) => ({
    start,
    end: ends[n].start,
    isKilled: ends[n].isKilled,
    next: ends[n].end,
  }));
}

/**
 * One replica from the first start to the last end. `until`: from then on somebody else tells. Returns
 * its last run.
 */
export function liveOn(past, dice, name, service, replica, lives, until) {
  let before;
  for (const life of lives) {
    let at = life.start + dice.between(20, 90);
    before = undefined;
    while (at < Math.min(life.end, until)) {
      const took = dice.around(service.usual, 0.5);
      const run = { task: name, kind: "service", by: "service", replica, createdAt: at, ...after(before) };
      if (at + took >= life.end && life.end <= until) {
        past.add({ ...run, ...cutShort(life, service, dice, took) });
        break;
      }
      const isOver = at + took >= until;
      const failed = isOver || dice.isLucky(service.failed);
      const endAt = isOver ? until : at + took;
      before = past.add({ ...run, ...outcome(failed, service, dice, endAt - at), endAt });
      at = endAt + dice.between(1000, 1100);
    }
  }
  return before;
}

/** A replica that fails, waits, fails again; the last time just now. */
export function failAgain(past, dice, name, service, last, from, durations, gap) {
  let before = last;
  let at = from;
  for (const took of durations) {
    before = past.add({
      task: name,
      kind: "service",
      by: "service",
      replica: last.replica,
      ...after(before),
      createdAt: at,
      endAt: at + took,
      ...outcome(true, service, dice, took),
    });
    at += took + gap;
  }
}

/** A replica that ended, after however long, is followed by a first further attempt. */
function after(before) {
  return before === undefined ? {} : { attempt: 1, retryOf: before.id };
}

function outcome(failed, service, dice, took) {
  const lines = service.says(dice, took);
  if (!failed) return { reason: "success", lines };
  return { reason: "failed", exit: 1, lines: [...lines.slice(0, -1), [took, "stderr", service.complaint]] };
}

function cutShort(life, service, dice, took) {
  const lines = service.says(dice, took).slice(0, 5);
  if (life.isKilled) return { reason: "crashed", exit: CRASHED, endAt: life.next, lines };
  return {
    reason: "stopped",
    exit: TERMINATED,
    endAt: life.end,
    lines: [...lines, [took, "system", "killed by SIGTERM"]],
  };
}
