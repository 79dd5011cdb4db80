// A cron expression in words, where that is shorter than explaining it. Pure.

import { listed } from "./format.js";

const DAYS = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
const ALIASES = {
  "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *", "@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *", "@midnight": "0 0 * * *", "@hourly": "0 * * * *",
};

const two = (number) => String(number).padStart(2, "0");
const ordinal = (number) => {
  const tail = number % 100 > 10 && number % 100 < 14 ? "th" : ["th", "st", "nd", "rd"][number % 10] ?? "th";
  return `${number}${tail}`;
};

// Least and greatest value, and what the values are called from the least on.
const FIELDS = [[0, 59], [0, 59], [0, 23], [1, 31], [1, 12, MONTHS], [0, 7, DAYS]];
const whole = (text) => (/^\d+$/.test(text) ? Number(text) : NaN);

// The values of a field, and what can be said of them; null where it is not one. `isFree` is as the
// daemon has it: a field with a star does not choose days by itself.
const read = (text, place) => {
  const [least, most, names = []] = FIELDS[place];
  const valueOf = (word) => {
    const named = names.findIndex((name) => name.slice(0, 3).toLowerCase() === word.toLowerCase());
    return named < 0 ? whole(word) : named + least;
  };
  const isWeek = names === DAYS;
  const isAny = (item) => item[0] === "*" || item[0] === "?";
  const items = text.split(",");
  const found = new Set();
  for (const item of items) {
    const [base, by = "", ...more] = item.split("/");
    const ends = base === "*" || base === "?" ? [least, most] : base.split("-").map(valueOf);
    const step = item === base ? 1 : whole(by);
    let [first, last = by ? most : first] = ends;
    if (isWeek && last === 0 && first > 0) last = 7;
    if (more.length || ends.length > 2 || !(step > 0 && first >= least && first <= last && last <= most)) return null;
    for (let value = first; value <= last; value += step) found.add(isWeek ? value % 7 : value);
  }
  const values = [...found].sort((a, b) => a - b);
  const size = isWeek ? 7 : most - least + 1;
  const gap = values[1] - values[0];
  const isEven = values.every((value, index) => !index || value - values[index - 1] === gap);
  return {
    values,
    isFree: items.some(isAny),
    every: values.length === size,
    // Only where it goes on the same over the end: 7 does not go into 60.
    step: isEven && gap * values.length === size ? gap : 0,
    isRange: values.at(-1) - values[0] === values.length - 1,
  };
};

const everyDuration = (text) => {
  const units = { s: "second", m: "minute", h: "hour", d: "day" };
  const parts = [...text.matchAll(/(\d+)([a-z]+)/g)].map(([, number, unit]) => [Number(number), units[unit], number + unit]);
  if (parts.map(([, , part]) => part).join("") !== text || parts.some(([, unit]) => !unit)) return null;
  const some = parts.filter(([number]) => number);
  if (!some.length) return null;
  if (some.length === 1 && some[0][0] === 1) return `every ${some[0][1]}`;
  return `every ${some.map(([number, unit]) => `${number} ${unit}${number === 1 ? "" : "s"}`).join(" ")}`;
};

const clockWords = (second, minute, hour) => {
  const isAlways = minute.every && hour.every;
  if (second.values.length > 1 || second.values[0]) {
    if (!isAlways) return null;
    if (second.every) return "every second";
    if (second.step && !second.values[0]) return `every ${second.step} seconds`;
    return second.values.length < 5 ? `every minute at second ${listed(second.values)}` : null;
  }
  if (isAlways) return "every minute";
  const [from] = minute.values;
  const isOnce = minute.values.length === 1;
  if (hour.every) {
    if (isOnce) return from ? `every hour at :${two(from)}` : "every hour";
    if (minute.step && !from) return `every ${minute.step} minutes`;
    if (minute.values.length < 5) return `every hour at ${listed(minute.values.map((value) => `:${two(value)}`))}`;
    return minute.step ? `every ${minute.step} minutes from :${two(from)}` : null;
  }
  if (isOnce && hour.step && hour.values.length > 2 && !hour.values[0]) {
    return `every ${hour.step} hours${from ? ` at :${two(from)}` : ""}`;
  }
  if (hour.values.length * minute.values.length < 5) {
    return `at ${listed(hour.values.flatMap((at) => minute.values.map((past) => `${two(at)}:${two(past)}`)))}`;
  }
  if (!hour.isRange) return null;
  const [first, last] = [hour.values[0], hour.values.at(-1)].map(two);
  if (isOnce) return `every hour from ${first}:${two(from)} to ${last}:${two(from)}`;
  if (!minute.step || from) return null;
  return `every ${minute.every ? "minute" : `${minute.step} minutes`} from ${first}:00 to ${last}:59`;
};

const dayWords = (dom, month, dow) => {
  const words = [];
  // Cron's own rule: with both fields given, either day will do.
  const isEither = !dom.isFree && !dow.isFree;
  const isDaily = isEither ? dom.every || dow.every : dom.every && dow.every;
  if (!isDaily && !dom.every && !dow.every && !(isEither && month.every)) return null;
  if (!isDaily && !dom.every) {
    if (dom.values.length > 4) return null;
    words.push(`on the ${listed(dom.values.map(ordinal))}`);
    if (!dow.every) words.push("and also");
  }
  if (!isDaily && !dow.every) {
    const days = [...dow.values].sort((a, b) => (a || 7) - (b || 7));
    const key = days.join("");
    if (key === "12345") words.push("on weekdays");
    else if (key === "60") words.push("on weekends");
    else words.push(`on ${listed(days.map((day) => DAYS[day]))}`);
  }
  const isDated = words.length === 1 && dow.every;
  if (!month.every) {
    if (month.values.length > 4) return null;
    words.push(`${isDated ? "of" : "in"} ${listed(month.values.map((value) => MONTHS[value - 1]))}`);
    // Not every month has the last three.
  } else if (isDated && dom.values.at(-1) < 29) words.push("of each month");
  return words.join(" ");
};

/** `daily at 04:15`, `every 15 minutes`, `at 18:00 on weekdays`; null when no short words fit. */
export const schedule = (expression) => {
  const text = expression.trim();
  if (/^@every\s/i.test(text)) return everyDuration(text.slice(7).trim());
  const fields = (ALIASES[text.toLowerCase()] ?? text).split(/\s+/);
  if (fields.length === 5) fields.unshift("0");
  if (fields.length !== 6) return null;
  const [second, minute, hour, dom, month, dow] = fields.map(read);
  if (![second, minute, hour, dom, month, dow].every(Boolean)) return null;
  const clock = clockWords(second, minute, hour);
  const days = clock && dayWords(dom, month, dow);
  if (clock === null || days === null) return null;
  const isDaily = clock.startsWith("at ") && !days.startsWith("on ");
  return `${isDaily ? "daily " : ""}${clock} ${days}`.trim();
};
