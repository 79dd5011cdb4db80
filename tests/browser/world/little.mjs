// A little of everything, made in a moment: a week of a backup that failed at last, an import every
// half an hour, a service that does not stay up, something that runs now, and a bell that rings.

import { Dice } from "./dice.mjs";
import { Past } from "./past.mjs";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

export const toml = `
[scheduler]
timezone = "Europe/Prague"

# Nobody listens there, and nothing of the tests crashes.
[[notifier]]
id          = "ops"
type        = "slack"
webhook_url = "https://127.0.0.1:9/hook"

[[notifier]]
id    = "phone"
type  = "ntfy"
topic = "shop-8f3a"
url   = "http://127.0.0.1:9"

[[notification_route]]
match  = { kind = ["run.crashed", "log.disk_pressure"], task = "backup-*", severity = "warn" }
notify = ["ops", "ops:#night"]

[tasks.backup-vault]
group          = "Backups"
description    = "Copy the encrypted archive to the vault in Brno"
cron           = "15 4 * * *"
catch_up       = "skip"
timeout        = "30m"
retry_attempts = 1
run            = "echo saved"

[tasks.import-feeds]
group       = "Feeds"
description = "42 supplier feeds into the catalogue"
cron        = "*/30 * * * *"
catch_up    = "skip"
run         = "echo 42 feeds"

[tasks.sync-rates]
group    = "Feeds"
cron     = "*/30 * * * *"
catch_up = "skip"
run      = "echo 31 rates"

[tasks.count-stock]
group    = "Feeds"
cron     = "*/30 * * * *"
catch_up = "skip"
run      = "echo 48211 products"

[tasks.rebuild-thumbnails]
group       = "Media"
description = "Every size, from the originals"
run         = """
printf '\\\\033[32mok\\\\033[0m originals/00017.jpg\\\\n'
echo 'warn originals/00018.jpg has no colour profile' >&2
sleep 3600
"""

[services.web]
description   = "Shop front"
instances     = 2
restart_delay = "1h"
run           = '[ "$RUNWISP_REPLICA_INDEX" = 0 ] || exit 1; echo listening; sleep 3600'
`;

export function past(config, now) {
  const dice = new Dice(6);
  const past = new Past({ zone: "Europe/Prague", since: 0 });
  for (let days = 7; days > 0; days -= 1) {
    const createdAt = now - days * DAY + 2 * HOUR;
    past.add({ task: "backup-vault", reason: "success", createdAt, endAt: createdAt + dice.around(150 * SECOND, 0.1) });
  }
  const failed = [0, 1].map((attempt) => now - 3 * HOUR + attempt * 10 * MINUTE).reduce((before, createdAt) => {
    const run = past.add({
      task: "backup-vault",
      reason: "failed",
      exit: 1,
      createdAt,
      endAt: createdAt + 184 * SECOND,
      attempt: before ? 1 : 0,
      retryOf: before?.id ?? null,
      lines: [
        [0, "stdout", "+ offsite.sh --vault sftp://vault.brno.example:22/larch"],
        [90_000, "stdout", "send   41%  of 2.1 GB in 318 packs, at 23 MB/s, which is a line that is wider than a phone"],
        [183_000, "stderr", "cannot write to the vault: no space left on device"],
        [184_000, "stdout", "giving up"],
      ],
    });
    return run;
  }, null);
  for (let back = 2 * DAY; back > 0; back -= 30 * MINUTE) {
    const createdAt = Math.floor((now - back) / (30 * MINUTE)) * 30 * MINUTE;
    for (const [task, usual] of [["import-feeds", 70], ["sync-rates", 4], ["count-stock", 12]]) {
      const reason = dice.isLucky(0.03) ? "timeout" : "success";
      const endAt = Math.min(createdAt + dice.around(usual * SECOND, 0.2), now - 1);
      past.add({ task, reason, createdAt, endAt, lines: [[0, "stdout", "done"]] });
    }
  }
  past.addSession(now - 8 * DAY, now - 30 * HOUR);
  past.addSession(now - 29 * HOUR, now, { isKilled: true });
  past.addChannel({ channel: "ops", delivered: 12, failed: 1, deliveredAt: now - DAY, answer: "200 ok", failedAt: now - HOUR, error: "slack:ops: 404 no_team" });
  const at = [3, 2.9, 2.8].map((hours) => now - hours * HOUR);
  past.notify({ run: failed, title: "backup-vault failed", body: "exit 1 after 3m 4s, no retry left", at });
  past.notify({ run: failed, title: "backup-vault failed", body: "long ago", at: [now - 5 * DAY], isRead: true });
  return past;
}

export async function liven(daemon) {
  await daemon.run("rebuild-thumbnails");
  await daemon.post("tasks/sync-rates/mute");
}
