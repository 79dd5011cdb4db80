// As many jobs as anybody has put into one file, with names up to the longest that is allowed (100
// characters, docs/configuration.md, Names), and hardly any runs.

import { Dice } from "./dice.mjs";
import { Past } from "./past.mjs";

const COUNT = 1000;
const LONGEST = 100;
const HOUR = 3_600_000;
const WORDS =
  "alpha berlin cargo delta export frankfurt gateway harbour invoice journal kiosk ledger mirror north orders prague".split(
    " ",
  );

const TASKS = plan();

export const toml = `[scheduler]\ntimezone = "Europe/Prague"\n${TASKS.map(table).join("")}`;

function plan() {
  const dice = new Dice(1000);
  return Array.from({ length: COUNT }, (_, n) => {
    const number = String(n).padStart(3, "0");
    const length = n % 10 === 0 ? LONGEST : dice.between(number.length, LONGEST);
    let name = number;
    while (name.length < length) name += dice.pick(["-", "_", ".", ":"]) + dice.pick(WORDS);
    return { name: name.slice(0, length), group: `Customer ${n % 40}`, minute: n % 60 };
  });
}

function table({ name, group, minute }) {
  return `
[tasks."${name}"]
group    = "${group}"
cron     = "${minute} 4 * * *"
catch_up = "skip"
run      = "echo ok"
`;
}

export function past(config, now) {
  const dice = new Dice(7);
  const past = new Past({ zone: "Europe/Prague", since: 0 });
  for (const { name } of TASKS) {
    for (let days = dice.between(0, 3); days > 0; days -= 1) {
      const createdAt = now - days * 24 * HOUR + dice.between(0, HOUR);
      const failed = dice.isLucky(0.05);
      past.add({
        task: name,
        reason: failed ? "failed" : "success",
        exit: failed ? 1 : 0,
        createdAt,
        endAt: createdAt + dice.between(3, 90_000),
        lines: [[0, failed ? "stderr" : "stdout", failed ? "no" : "ok"]],
      });
    }
  }
  past.addSession(now - 5 * 24 * HOUR, now);
  return past;
}
