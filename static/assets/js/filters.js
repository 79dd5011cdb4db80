// Which runs are wanted: as the address has it, as the API asks for it, as chips show it, and
// whether a run that has just changed is one of them. Pure.

import { dayName, midnight, millis, offsetOf } from "./format.js";
import { outcomeOf, word } from "./marks.js";

/** Groups of outcomes that people think in. */
export const BUCKETS = {
  running: ["pending", "running"],
  succeeded: ["success"],
  failed: ["failed", "timeout", "crashed", "log_overflow", "missed", "start_failed", "unhealthy"],
  skipped: ["skipped", "queue_full", "dst_skipped"],
  stopped: ["stopped"],
};

/** Every outcome by itself. */
export const REASONS = Object.values(BUCKETS).flat();
export const TRIGGERS = ["cron", "api", "service", "startup", "hook"];

const FIELDS = ["status", "task", "by", "from", "to", "exit", "retries", "q"];
const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** A filter from the query of an address; what makes no sense is left out. */
export const readFilter = (search) => {
  const given = new URLSearchParams(search);
  const filter = {};
  for (const field of FIELDS) if (given.get(field)) filter[field] = given.get(field);
  const known = (filter.status ?? "").split(",").filter((name) => Object.hasOwn(BUCKETS, name) || REASONS.includes(name));
  if (known.length) filter.status = known.join(",");
  else delete filter.status;
  for (const end of ["from", "to"]) if (filter[end] && !(DAY.test(filter[end]) && noon(filter[end]))) delete filter[end];
  if (filter.exit && !exitRange(filter.exit)) delete filter.exit;
  if (filter.by && !TRIGGERS.includes(filter.by)) delete filter.by;
  if (filter.retries) filter.retries = "1";
  return filter;
};

/** The query of the address, with its question mark; empty without a filter. */
export const writeFilter = (filter) => {
  const given = new URLSearchParams(FIELDS.filter((field) => filter[field]).map((field) => [field, filter[field]]));
  return given.size ? `?${given}` : "";
};

/** `137`, `>100`, `<150`, `>100 <150`, also with `=`; `{ min, max }`, both included, or null. */
export const exitRange = (text) => {
  const range = {};
  for (const part of text.trim().split(/\s+/)) {
    const [, sign, number] = /^(>=|<=|>|<)?(-?\d{1,9})$/.exec(part) ?? [];
    if (number === undefined) return null;
    const code = Number(number);
    if (!sign) Object.assign(range, { min: code, max: code });
    else if (sign[0] === ">") range.min = sign === ">" ? code + 1 : code;
    else range.max = sign === "<" ? code - 1 : code;
  }
  return range.min > range.max ? null : range;
};

const statuses = (filter) => (filter.status ?? "").split(",").filter(Boolean).flatMap((name) => BUCKETS[name] ?? [name]);

const noon = (day) => Date.parse(`${day}T12:00:00Z`);
// Noon of the zone itself: that of Greenwich is tomorrow in Auckland.
const start = (day, zone, days) => midnight(noon(day) - offsetOf(noon(day), zone), zone, days);
/** First and last instant of the days, in the zone that times are shown in. */
const range = ({ from, to }, zone) => ({
  after: from && start(from, zone),
  before: to && start(to, zone, 1) - 1,
});

const instant = (at) => at && new Date(at).toISOString();

/** The values that the API asks for, for a query or for a bulk action. */
export const asQuery = (filter, zone) => {
  const { after, before } = range(filter, zone);
  const exit = filter.exit ? exitRange(filter.exit) : {};
  const given = {
    status: statuses(filter).join(","),
    task_name: filter.task,
    triggered_by: filter.by,
    created_after: instant(after),
    created_before: instant(before),
    exit_code_min: exit.min,
    exit_code_max: exit.max,
    retries_only: filter.retries ? true : undefined,
    search: filter.q,
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined && value !== ""));
};

/** Whether a run is one of those that are wanted. */
export const wants = (filter, run, zone) => {
  const { after, before } = range(filter, zone);
  const created = millis(run.created_at);
  const exit = filter.exit ? exitRange(filter.exit) : {};
  const some = statuses(filter);
  return (!some.length || some.includes(outcomeOf(run).split(":")[0]))
    && (!filter.task || run.task_name === filter.task)
    && (!filter.by || run.triggered_by === filter.by)
    && !(created < after) && !(created > before)
    && (!filter.exit || run.status === "ended") && !(run.exit_code < exit.min) && !(run.exit_code > exit.max)
    && (!filter.retries || run.retry_attempt > 0)
    && (!filter.q || `${run.task_name}\n${run.id}`.toLowerCase().includes(filter.q.toLowerCase()));
};

/** `[{ field, key, value }]`: what is said of the filter, one chip for each part. */
export const chips = (filter, { withStatus = true } = {}) => {
  const day = (text) => dayName(noon(text), "UTC", true);
  const all = [
    withStatus && filter.status && ["status", "status", filter.status.split(",").map(word).join(", ")],
    filter.task && ["task", "task", filter.task],
    filter.by && ["by", "by", filter.by],
    filter.from && ["from", "from", day(filter.from)],
    filter.to && ["to", "to", day(filter.to)],
    filter.exit && ["exit", "exit", filter.exit],
    filter.retries && ["retries", "only", "retries"],
    filter.q && ["q", "search", filter.q],
  ];
  return all.filter(Boolean).map(([field, key, value]) => ({ field, key, value }));
};
