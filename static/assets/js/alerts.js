// Alerts in words: how often something happened, what kinds there are, who is told of them, and
// which tasks are muted. Pure: the instant of "now" and the zone are arguments.

import { count, dayKey, dayName, duration, grouped, hourMinute, millis, plural, relative } from "./format.js";

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const CELLS = 8;

/** The channel that is the list in the dashboard. */
export const IN_APP = "inapp";

/** How often something happened, in words: the rhythm of a row of the feed. */
export const rhythm = ({ count: times, occurrences, created_at: created, last_occurred_at: last }, at) => {
  const newest = relative(millis(last), at);
  if (times < 2) return newest;
  const oldest = Math.min(...(occurrences ?? []).map(millis), millis(last));
  const age = at - millis(created);
  const days = Math.floor(age / DAY);
  const span = at - oldest <= HOUR ? "in the last hour" : days < 7 ? `over ${days ? `${days}d` : `${Math.floor(age / HOUR)}h`}` : `since ${days}d ago`;
  return `${grouped(times)}× ${span}, latest ${newest}`;
};

/** Occurrences in each of eight parts of the time until now: an hour, or since the oldest that is known. */
export const cells = ({ occurrences, last_occurred_at: last }, at) => {
  const times = (occurrences ?? []).map(millis);
  const from = Math.min(...times, millis(last), at - HOUR);
  const width = Math.max(1, (at - from) / CELLS);
  const counts = Array(CELLS).fill(0);
  for (const time of times) counts[Math.min(CELLS - 1, Math.max(0, Math.floor((time - from) / width)))] += 1;
  return counts;
};

const LOOKS = { "run.timeout": "timeout", "run.crashed": "crashed", "run.missed": "missed", "run.stopped": "stopped" };
const SEVERITIES = { error: "failed", warn: "missed", info: "success" };

/** The mark of an alert: that of its outcome, else of its severity. */
export const lookOf = ({ kind, severity }) => LOOKS[kind] ?? SEVERITIES[severity] ?? "idle";

/** A body in its parts: what happened, and the end of what was printed. */
export const partsOf = (body) => {
  const [sentence, ...tail] = (body ?? "").split("\n");
  return { sentence, tail: tail.map((line) => line.trimEnd()).filter(Boolean) };
};

/** Until when alerts of a task are muted; null when they are not, or no longer. */
export const mutedUntil = (task, now) => {
  const until = millis(task.muted_until);
  return until > now ? until : null;
};

/** `until 18:00`, `until tomorrow 08:00`, `until Thu 14 May 08:00`. */
export const untilWords = (until, now, zone) => {
  const day = dayKey(until, zone);
  const time = hourMinute(until, zone);
  if (day === dayKey(now, zone)) return `until ${time}`;
  const tomorrow = new Date(Date.parse(dayKey(now, zone)) + DAY).toISOString().slice(0, 10);
  return `until ${day === tomorrow ? "tomorrow" : dayName(until, zone, true)} ${time}`;
};

/** A duration of the API, which counts nanoseconds. */
export const nanos = (value) => duration(value / 1e6);

/** How many failures make an alert: `after 3 failures in a row`, `after 3 in 24h`. */
export const afterWords = ({ failures, within }) => {
  if (failures < 2) return "at once";
  return within ? `after ${failures} in ${spanWords(within)}` : `after ${failures} failures in a row`;
};

// What somebody wrote as hours is not made days.
const spanWords = (within) => (within % (HOUR * 1e6) === 0 && within <= 2 * DAY * 1e6 ? `${within / (HOUR * 1e6)}h` : nanos(within));

/** `too long` of `run.too_long`. */
export const kindWord = (kind) => kind.replace(/^[^.]*\./, "").replaceAll("_", " ");

// As somebody would tell them; kinds that are not known yet come last.
const KINDS = "run.failed run.timeout run.crashed run.missed service.unhealthy service.fatal run.recovered run.late run.too_long run.too_short run.too_quiet log.disk_pressure run.started run.succeeded run.stopped".split(" ");
const rank = (kind) => (KINDS.indexOf(kind) + 1 || KINDS.length + 1);

/** Kinds that go to the same channels, together: `[[kinds], [channels]]`; the dashboard comes first. */
export const byChannels = (alerts) => {
  const found = new Map();
  for (const [kind, channels] of Object.entries(alerts).sort(([a], [b]) => rank(a) - rank(b))) {
    const to = [...channels].sort((a, b) => Number(b === IN_APP) - Number(a === IN_APP));
    const key = JSON.stringify(to);
    if (found.has(key)) found.get(key)[0].push(kind);
    else found.set(key, [[kind], to]);
  }
  return [...found.values()];
};

/** Tasks of which the same is told to the same, in the order of the first of each group. */
export const groupTasks = (tasks) => {
  const groups = new Map();
  for (const task of tasks) {
    const { alerts, alert_after: after, heartbeat } = task;
    const key = JSON.stringify([Object.entries(alerts).sort(), after.failures, after.within ?? null, heartbeat]);
    if (groups.has(key)) groups.get(key).tasks.push(task);
    else groups.set(key, { key, tasks: [task], alerts: byChannels(alerts), after, heartbeat });
  }
  return [...groups.values()];
};

/** The notifier of a channel: `ops` of `ops:#night`. */
export const notifierOf = (channel) => channel.split(":", 1)[0];

/** Notifiers in their order, each with its channels; channels whose notifier is gone come last. */
export const byNotifier = ({ notifiers, channels }) => {
  const rows = [];
  const of = (id) => channels.filter(({ channel }) => notifierOf(channel) === id);
  for (const notifier of notifiers) {
    const own = of(notifier.id);
    for (const channel of own) rows.push({ name: channel.channel, notifier, channel });
    if (!own.length) rows.push({ name: notifier.id, notifier, channel: null });
  }
  const known = new Set(notifiers.map(({ id }) => id));
  for (const channel of channels) if (!known.has(notifierOf(channel.channel))) rows.push({ name: channel.channel, notifier: null, channel });
  return rows;
};

/** How a channel stands: an outcome for its mark, words, when, and what the other side said. */
export const channelState = (channel) => {
  if (!channel) return { outcome: "idle", text: "nothing goes there" };
  const { last_delivered_at: delivered, last_failed_at: failed, tried_at: tried, attempts } = channel;
  // What is being tried again is not over, however new the end of another one.
  if (attempts && tried) return { outcome: "missed", text: `failed ${plural(attempts, "time")} so far`, at: millis(tried), said: channel.retry_error };
  if (failed && !(millis(delivered) > millis(failed))) return { outcome: "failed", text: "given up", at: millis(failed), said: channel.last_error };
  if (delivered) return { outcome: "success", text: "delivered", at: millis(delivered), said: channel.last_answer };
  return channel.pending ? { outcome: "pending", text: "waiting" } : { outcome: "idle", text: "nothing sent yet" };
};

/** What a channel has had to do, where there was anything. */
export const countsOf = (channel) =>
  [["pending", "waiting"], ["delivered", "delivered"], ["failed", "given up"]]
    .filter(([key]) => channel?.[key]).map(([key, word]) => `${count(channel[key])} ${word}`).join(", ");

/** The numbers of the configuration in sentences: `[title, sentence]`. */
export const numbers = (settings) => {
  const { coalesce_window: window, coalesce_outbound: folds, occurrence_ring: ring } = settings;
  const same = `The same alert of the same task within ${spanWords(window)} is one entry in the dashboard and`;
  return [
    ["Repeats", !window ? "Each alert is told by itself."
      : folds ? `${same} one message; then one after every ${ring} more, and one at the end.`
        : `${same} a message each time.`],
    ["Retries", `A message that fails is sent again for ${spanWords(settings.retry_budget)}. Then it is given up, which is an alert of its own.`],
    ["Queue", `At most ${plural(settings.queue_size, "message")} wait for one channel.`],
    ["History", `The dashboard keeps ${plural(settings.history_keep, "notification")}, none older than ${nanos(settings.history_keep_for)}.`],
    ["Links", settings.external_url ? `Messages link to ${settings.external_url}` : "Messages have no links: external_url is not set."],
  ];
};
