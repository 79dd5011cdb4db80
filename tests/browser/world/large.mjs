// A host with more than one would like to look after: 200 tasks in 12 groups, 100,000 runs over 30
// days, about 4 % of them failures. And a task that prints 500 lines a second until it is stopped.

import { Dice } from "./dice.mjs";
import { names } from "./names.mjs";
import { Past } from "./past.mjs";
import { ticks } from "./ticks.mjs";

const SECOND = 1000;
const DAY = 86_400 * SECOND;
const RUNS = 100_000;
const ROWS_FROM = 32 * DAY;
/** Runs of each task that have a log. */
const LOGGED = 5;
const EXIT = { success: 0, failed: 1, timeout: 143, stopped: 143, crashed: -2, skipped: -1 };

export const FLOOD = "print-many-lines";

const GROUPS = [
  "Accounting",
  "Backups",
  "Catalogue",
  "Certificates",
  "Feeds",
  "Logs",
  "Mail",
  "Maintenance",
  "Media",
  "Monitoring",
  "Reports",
  "Search",
];

/** How many tasks tick how often, at a minute and an hour of their own. */
const RHYTHMS = [
  [5, () => "*/5 * * * *"],
  [10, (minute) => `${minute % 15}-59/15 * * * *`],
  [40, (minute) => `${minute} * * * *`],
  [55, (minute, hour) => `${minute} ${hour % 6}-23/6 * * *`],
  [89, (minute, hour) => `${minute} ${hour} * * *`],
];

const TASKS = plan();

export const toml = `[scheduler]\ntimezone = "Europe/Prague"\n${TASKS.map(table).join("")}
[tasks.${FLOOD}]
group       = "Monitoring"
description = "500 lines a second, until somebody stops it"
run = """
n=0
begin=$(date +%s%3N)
while sleep 0.1; do
    end=$((($(date +%s%3N) - begin) / 2))
    while [ $n -lt $end ]; do
        n=$((n + 1))
        echo "$n 2026-05-14T12:30:07Z worker-3 GET /catalogue/items/$((n * 7919 % 100000)) 200 14ms"
    done
done
"""
`;

function plan() {
  const dice = new Dice(200);
  const name = names();
  return RHYTHMS.flatMap(([count, cron]) =>
    Array.from({ length: count }, () => ({
      name: name.next().value,
      group: dice.pick(GROUPS),
      cron: cron(dice.between(0, 59), dice.between(0, 23)),
      usual: dice.pick([0.4, 2, 7, 31, 94, 260]) * SECOND,
    })),
  );
}

function table({ name, group, cron, usual }) {
  return `
[tasks.${name}]
group       = "${group}"
description = "Every now and then, ${usual / SECOND} s each time"
cron        = "${cron}"
catch_up    = "skip"
on_overlap  = "skip"
run         = "echo begin; sleep 0.2; echo end"
`;
}

export function past(config, now) {
  const dice = new Dice(100);
  const past = new Past({ zone: "Europe/Prague", since: 0 });
  for (const task of TASKS) {
    for (const tick of ticks(config, task.name, now - ROWS_FROM, now))
      past.add(run(dice, task, tick.at, now));
  }
  past.keepNewest(RUNS);
  past.keepLogs(LOGGED);
  past.addSession(past.runs[0].createdAt - DAY, now);
  return past;
}

function run(dice, task, tick, now) {
  const chance = dice.roll();
  const [reason] = [
    ["failed", 0.03],
    ["timeout", 0.036],
    ["crashed", 0.038],
    ["stopped", 0.042],
    ["skipped", 0.047],
    ["success", 1],
  ].find(([, limit]) => chance < limit);
  const createdAt = tick + dice.between(1, 12);
  const result = { task: task.name, reason, exit: EXIT[reason], createdAt };
  if (reason === "skipped")
    return { ...result, startAt: null, message: "task already running, skipping (policy: skip)" };
  const endAt = Math.min(createdAt + dice.around(task.usual, 0.2), now - 1);
  const last = reason === "success" ? "end" : "it did not go well";
  const stream = reason === "success" ? "stdout" : "stderr";
  return {
    ...result,
    endAt,
    lines: [
      [0, "stdout", "begin"],
      [endAt - createdAt, stream, last],
    ],
  };
}
