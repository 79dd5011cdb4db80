// Times, durations, sizes and counts as people read them. Pure: the instant of "now" and the
// zone are arguments.

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Unix milliseconds of a text of the API; NaN when there is none. */
export const millis = (text) => (text ? Date.parse(text) : NaN);

/** `just now`, `45s ago`, `2h ago`, `yesterday`, `5d ago`, `1mo ago`; for what is to come `in 4m`. */
export const relative = (at, now) => (at > now ? `in ${span(at - now)}` : ago(now - at));

const ago = (passed) => {
  if (passed < 30_000) return "just now";
  if (passed < MINUTE) return `${Math.floor(passed / 1000)}s ago`;
  if (passed < HOUR) return `${Math.floor(passed / MINUTE)}m ago`;
  if (passed < DAY) return `${Math.floor(passed / HOUR)}h ago`;
  if (passed < 2 * DAY) return "yesterday";
  if (passed < 30 * DAY) return `${Math.floor(passed / DAY)}d ago`;
  if (passed < 365 * DAY) return `${Math.floor(passed / DAY / 30)}mo ago`;
  return `${Math.floor(passed / DAY / 365)}y ago`;
};

// Rounded up, so that "in 0s" is never said, and cut to what still matters.
const span = (wait) => {
  if (wait <= 59_000) return `${Math.max(1, Math.ceil(wait / 1000))}s`;
  const minutes = Math.round(wait / MINUTE);
  if (minutes < 60) return `${minutes}m`;
  if (minutes < 10 * 60) return joined(Math.floor(minutes / 60), "h", minutes % 60, "m");
  if (minutes < 48 * 60) return `${Math.round(minutes / 60)}h`;
  return `${Math.round(minutes / 60 / 24)}d`;
};

const joined = (large, largeUnit, small, smallUnit) =>
  small ? `${large}${largeUnit} ${small}${smallUnit}` : `${large}${largeUnit}`;

/** `0.3s`, `12s`, `3m 4s`, `2h 5m`, `1d 3h`; a second unit that is zero is dropped. */
export const duration = (ms) => {
  if (!(ms >= 0)) return "–";
  if (ms < 950) return `${(ms / 1000).toFixed(1)}s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds}s`;
  if (seconds < 3600) return joined(Math.floor(seconds / 60), "m", seconds % 60, "s");
  const minutes = Math.round(ms / MINUTE);
  if (minutes < 24 * 60) return joined(Math.floor(minutes / 60), "h", minutes % 60, "m");
  const hours = Math.round(ms / HOUR);
  return joined(Math.floor(hours / 24), "d", hours % 24, "h");
};

/** A duration that grows while it is looked at: whole units, cut down. */
export const elapsed = (ms) => {
  const unit = ms < HOUR ? 1000 : ms < DAY ? MINUTE : HOUR;
  return !(ms >= 1000) ? "0s" : duration(Math.floor(ms / unit) * unit);
};

/** `512 B`, `31 KB`, `1.2 GB`: powers of 1024, one decimal from MB on. */
export const bytes = (count) => {
  const units = ["B", "KB", "MB", "GB", "TB", "PB"];
  let unit = 0;
  while (Math.round(count) >= 1024 && unit < units.length - 1) {
    count /= 1024;
    unit += 1;
  }
  return `${unit < 2 ? Math.round(count) : count.toFixed(1)} ${units[unit]}`;
};

/** `999`, `55.6k`, `1.4m`. */
export const count = (number) => {
  if (number < 1000) return String(number);
  if (number < 999_950) return `${trimmed(number / 1000)}k`;
  return `${trimmed(number / 1_000_000)}m`;
};

const trimmed = (number) => number.toFixed(1).replace(/\.0$/, "");

/** `4 127`: a count where every digit matters. */
export const grouped = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, " ");

export const percent = (share) => `${Math.round(share * 100)}%`;

export const plural = (number, one, many = `${one}s`) => `${grouped(number)} ${number === 1 ? one : many}`;

/** Names and values of a list as a sentence has them: `a`, `a and b`, `a, b and c`. */
export const listed = (words) =>
  words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;

const formatters = new Map();

// Making one takes a hundred times as long as using it.
const formatter = (zone, options) => {
  const key = `${zone} ${JSON.stringify(options)}`;
  let made = formatters.get(key);
  if (!made) {
    try {
      made = new Intl.DateTimeFormat("en-GB", { ...options, timeZone: zone });
    } catch {
      // A zone that the daemon knows and this browser does not.
      made = new Intl.DateTimeFormat("en-GB", options);
    }
    formatters.set(key, made);
  }
  return made;
};

const CIVIL = {
  year: "numeric", month: "2-digit", day: "2-digit",
  hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23",
};

const two = (number) => String(number).padStart(2, "0");

/** Year to second of an instant in a zone (undefined: the browser's), as texts of two digits. */
export const civil = (at, zone) => {
  if (!zone) {
    // The browser's own clock needs no formatter, which takes a while to make.
    const date = new Date(at);
    const [year, month, day, hour, minute, second] = [
      date.getFullYear(), date.getMonth() + 1, date.getDate(), date.getHours(), date.getMinutes(), date.getSeconds(),
    ].map(two);
    return { year, month, day, hour, minute, second };
  }
  const parts = {};
  for (const { type, value } of formatter(zone, CIVIL).formatToParts(at)) parts[type] = value;
  return parts;
};

/** `2026-05-14 17:11:04` */
export const absolute = (at, zone) => {
  const { year, month, day, hour, minute, second } = civil(at, zone);
  return `${year}-${month}-${day} ${hour}:${minute}:${second}`;
};

/** `2026-05-14`: one key for each day. */
export const dayKey = (at, zone) => absolute(at, zone).slice(0, 10);

/** `17:11:04` */
export const clock = (at, zone) => absolute(at, zone).slice(11);

/** `17:11` */
export const hourMinute = (at, zone) => absolute(at, zone).slice(11, 16);

const WEEKDAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** `14 May` */
export const dayMonth = (at, zone) => {
  const { month, day } = civil(at, zone);
  return `${Number(day)} ${MONTHS[month - 1]}`;
};

/** `Thu 14`, or with the month `Thu 14 May`. */
export const dayName = (at, zone, month = false) => {
  const text = dayKey(at, zone);
  return `${WEEKDAYS[new Date(text).getUTCDay()]} ${month ? dayMonth(at, zone) : Number(text.slice(8))}`;
};

/** `CEST`, or `GMT+2` where the browser knows no better. */
export const zoneName = (at, zone) =>
  formatter(zone, { timeZoneName: "short" }).formatToParts(at).find(({ type }) => type === "timeZoneName")?.value ?? "";

/** How far the zone is ahead of UTC at an instant, in ms. */
export const offsetOf = (at, zone) => {
  const { year, month, day, hour, minute, second } = civil(at, zone);
  return Date.UTC(year, month - 1, day, hour, minute, second) - Math.floor(at / 1000) * 1000;
};

/** Midnight of the day of `at` in the zone, moved by whole days. */
export const midnight = (at, zone, days = 0) => {
  const { year, month, day } = civil(at, zone);
  const civilMidnight = Date.UTC(year, month - 1, Number(day) + days);
  // With the offset of the day before, then with that of the guess: enough around a change.
  const guess = civilMidnight - offsetOf(civilMidnight - DAY, zone);
  const better = civilMidnight - offsetOf(guess, zone);
  // Where the clock leaves midnight out, the day begins with the guess.
  return better + offsetOf(better, zone) < civilMidnight ? guess : better;
};

/** The instant of a civil time such as `2026-05-14T17:11` in the zone. */
export const instantOf = (text, zone) => {
  const civilTime = Date.parse(`${text}Z`);
  return civilTime - offsetOf(civilTime - offsetOf(civilTime, zone), zone);
};
