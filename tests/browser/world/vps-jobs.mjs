// What is usual for the jobs of the small server: how long they take, how often they go wrong, what
// they print. Durations in milliseconds; `says` gets dice and the duration.

import { savedSnapshot } from "./offsite.mjs";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Lines spread evenly over a run. */
function evenly(took, texts, stream = "stdout") {
  return texts.map((text, n) => [Math.round((took * n) / texts.length), stream, text]);
}

export const TASKS = {
  "backup-db": {
    usual: 126 * SECOND,
    spread: 0.08,
    failed: 0.006,
    complaint: "pg_dump: error: connection to server was lost",
    says: (dice, took) =>
      evenly(took, [
        ...["customers", "orders", "order_lines", "products", "stock"].map(
          (table) => `dump ${table}: ${dice.between(900, 410_000)} rows`,
        ),
        `shop.dump.zst: ${dice.between(209, 219)} MB, checked`,
      ]),
  },
  "backup-offsite": {
    usual: 147 * SECOND,
    spread: 0.1,
    failed: 0.02,
    stopped: 0.004,
    retries: { count: 2, delay: 5 * MINUTE },
    complaint:
      "cannot open repository: ssh: connect to host vault.brno.example port 22: Connection timed out",
    says: savedSnapshot,
  },
  "backup-photos": {
    usual: 41 * MINUTE,
    spread: 0.15,
    failed: 0.004,
    complaint: 'rsync: write failed on "/mnt/second/photos": No space left on device (28)',
    says: (dice, took) =>
      evenly(took, [
        ...[2019, 2020, 2021, 2022, 2023, 2024, 2025, 2026].map(
          (year) => `compare ${year}: ${dice.between(800, 3400)} files`,
        ),
        `${dice.between(0, 80)} new, 0 removed`,
      ]),
  },
  "build-search-index": {
    usual: 12 * MINUTE + 40 * SECOND,
    spread: 0.07,
    failed: 0.008,
    complaint: "index: shard 5: out of memory",
    says: (dice, took) =>
      evenly(took, [
        ...[1, 2, 3, 4, 5, 6, 7, 8].map(
          (shard) => `shard ${shard} of 8: ${dice.between(5800, 6200)} products`,
        ),
        "swapped in",
      ]),
  },
  "import-feeds": {
    usual: 71 * SECOND,
    spread: 0.12,
    failed: 0.0006,
    stopped: 0.0004,
    skipsOverlap: true,
    complaint: "feed 17 of 42: HTTP 503 from supplier",
    says: (dice, took) =>
      evenly(took, [
        ...[1, 2, 3, 4, 5, 6].map((part) => `feeds ${part * 7 - 6}-${part * 7} of 42: ok`),
        `42 feeds, ${dice.between(0, 2400)} prices changed`,
      ]),
  },
  "sync-rates": {
    usual: 4 * SECOND,
    spread: 0.2,
    timeout: 0.001,
    limit: 5 * MINUTE,
    says: (dice, took) => evenly(took, ["GET https://rates.example/daily.txt", "31 rates"]),
  },
  "prune-sessions": {
    usual: 800,
    spread: 0.1,
    says: (dice, took) => [[took, "stdout", `DELETE ${dice.between(40, 900)}`]],
  },
  "renew-certs": {
    usual: 6 * SECOND,
    spread: 0.3,
    failed: 0.004,
    complaint: "acme: rate limit reached for shop.example.org, try again in 1h",
    says: (dice, took) =>
      evenly(took, [
        `shop.example.org: ${dice.between(31, 89)} days left`,
        `mail.example.org: ${dice.between(31, 89)} days left`,
      ]),
  },
  "report-usage": {
    usual: 82 * SECOND,
    spread: 0.06,
    failed: 0.004,
    complaint: "smtp: 421 try again later",
    says: (dice, took) =>
      evenly(took, [
        "reading 24 h of access logs",
        `${dice.between(90, 160)} 000 requests`,
        "usage.csv mailed to 3 addresses",
      ]),
  },
  "vacuum-db": {
    usual: 5 * MINUTE + 40 * SECOND,
    spread: 0.1,
    failed: 0.003,
    complaint: "ERROR: canceling autovacuum task",
    says: (dice, took) => evenly(took, ["VACUUM (ANALYZE) orders", "VACUUM (ANALYZE) sessions"]),
  },
};

/** Started by hand now and then, at an hour of the day when somebody works. */
export const THUMBNAILS = {
  usual: 19 * MINUTE,
  spread: 0.2,
  failed: 0,
  says: (dice, took) =>
    evenly(took, [
      ...Array.from(
        { length: 60 },
        (_, n) => `\x1b[32mok\x1b[0m    originals/${String(n * 17).padStart(5, "0")}.jpg  320 640 1280`,
      ),
      "1500 originals, 4500 thumbnails",
    ]),
};

export const SERVICES = {
  "queue-mail": {
    replicas: 1,
    usual: 9 * HOUR,
    failed: 0.03,
    complaint: "smtp: connection refused by mail.example.org:587",
    says: (dice, took) =>
      evenly(took, [
        ...Array.from({ length: 12 }, (_, n) => `sent 3 messages, ${(n + 1) * 3} since the start`),
        "1000 messages sent, leaving for a fresh worker",
      ]),
  },
  "queue-media": {
    replicas: 2,
    usual: 11 * HOUR,
    failed: 0.02,
    complaint: "ffmpeg: upload-88123.mov: moov atom not found",
    says: (dice, took) =>
      evenly(
        took,
        Array.from(
          { length: 10 },
          () => `transcoded upload-${dice.between(10_000, 99_999)}.mov in ${dice.between(4, 90)}s`,
        ),
      ),
  },
  web: {
    replicas: 3,
    usual: 15 * HOUR,
    failed: 0.02,
    complaint: "cannot connect to the session store: connection refused",
    says: (dice, took) =>
      evenly(took, [
        "listening on 127.0.0.1:8080",
        ...Array.from({ length: 20 }, () => `GET /p/${dice.between(100, 9999)} 200 ${dice.between(2, 80)}ms`),
      ]),
  },
};
