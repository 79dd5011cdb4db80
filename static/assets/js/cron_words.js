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

const NAMES = [...DAYS, ...MONTHS].map((name) => name.slice(0, 3).toLowerCase());
const valueOf = (text, names) => {
  if (/^\d+$/.test(text)) return Number(text);
  const place = NAMES.indexOf(text.toLowerCase());
  if (place < 0) return NaN;
  return names === DAYS ? place : place - DAYS.length + 1;
};

// A field as { every } or { step, from } or { values, range }; null where no words fit.
const read = (text, names) => {
  if (text === "*" || text === "?") return { every: true };
  const step = /^(?:\*|0)\/(\d+)$/.exec(text);
  if (step) return { step: Number(step[1]), from: 0 };
  const shifted = /^(\d+)\/(\d+)$/.exec(text);
  if (shifted) return { step: Number(shifted[2]), from: Number(shifted[1]) };
  const values = [];
  let range = null;
  for (const item of text.split(",")) {
    const ends = item.split("-").map((end) => valueOf(end, names));
    if (ends.length > 2 || ends.some(Number.isNaN)) return null;
    if (ends.length === 2) range = ends;
    for (let value = ends[0]; value <= ends.at(-1); value += 1) values.push(value);
  }
  return values.length ? { values, range: text.includes(",") ? null : range } : null;
};

const everyDuration = (text) => {
  const units = { s: "second", m: "minute", h: "hour", d: "day" };
  const parts = [...text.matchAll(/(\d+)(ms|s|m|h|d)/g)];
  if (!parts.length || parts.map(([whole]) => whole).join("") !== text || parts.some(([, , unit]) => !units[unit])) return null;
  if (parts.length === 1 && parts[0][1] === "1") return `every ${units[parts[0][2]]}`;
  return `every ${parts.map(([, number, unit]) => `${number} ${units[unit]}${number === "1" ? "" : "s"}`).join(" ")}`;
};

const times = (hours, minutes) => {
  const all = hours.flatMap((hour) => minutes.map((minute) => `${two(hour)}:${two(minute)}`));
  return all.length <= 4 ? `at ${listed(all)}` : null;
};

const clockWords = (second, minute, hour) => {
  if (second.step && second.from === 0 && minute.every && hour.every) return second.step === 1 ? "every second" : `every ${second.step} seconds`;
  if (second.step || second.every) return second.every && minute.every && hour.every ? "every second" : null;
  const late = second.values.length > 1 || second.values[0] !== 0;
  if (late && minute.every && hour.every) return second.values.length < 5 ? `every minute at second ${listed(second.values)}` : null;
  if (late) return null;
  if (minute.every && hour.every) return "every minute";
  if (minute.step && hour.every) {
    const start = minute.from ? `, from minute ${minute.from}` : "";
    return minute.step === 1 ? "every minute" : `every ${minute.step} minutes${start}`;
  }
  if (minute.values && hour.every) {
    if (minute.values.length === 1) return minute.values[0] === 0 ? "every hour" : `every hour at :${two(minute.values[0])}`;
    return minute.values.length < 5 ? `every hour at ${listed(minute.values.map((value) => `:${two(value)}`))}` : null;
  }
  if (minute.values?.length === 1 && hour.step) {
    const at = minute.values[0] ? ` at :${two(minute.values[0])}` : "";
    return hour.from === 0 ? `every ${hour.step} hours${at}` : null;
  }
  if (minute.values && hour.values && !hour.range) return times(hour.values, minute.values);
  if (hour.range) {
    const [first, last] = hour.range.map(two);
    if (minute.every) return `every minute from ${first}:00 to ${last}:59`;
    if (minute.step && !minute.from) return `every ${minute.step} minutes from ${first}:00 to ${last}:59`;
    if (minute.values?.length === 1) return `every hour from ${first}:${two(minute.values[0])} to ${last}:${two(minute.values[0])}`;
  }
  return null;
};

const dayWords = (dom, month, dow) => {
  const words = [];
  if (!dow.every) {
    if (!dow.values) return null;
    const days = [...new Set(dow.values.map((value) => value % 7))].sort((a, b) => (a || 7) - (b || 7));
    const key = days.join("");
    if (key === "12345") words.push("on weekdays");
    else if (key === "60") words.push("on weekends");
    else if (days.length < 7) words.push(`on ${listed(days.map((day) => DAYS[day]))}`);
  }
  if (!dom.every) {
    if (!dom.values || dom.values.length > 4) return null;
    const days = `on the ${listed(dom.values.map(ordinal))}`;
    // Cron's own rule: with both fields given, either day will do.
    words.unshift(words.length ? `${days} and also` : days);
  }
  if (!month.every) {
    if (!month.values || month.values.length > 4) return null;
    words.push(`in ${listed(month.values.map((value) => MONTHS[value - 1]))}`);
  } else if (!dom.every && dow.every) words.push("of each month");
  return words.join(" ");
};

/** `daily at 04:15`, `every 15 minutes`, `at 18:00 on weekdays`; null when no short words fit. */
export const schedule = (expression) => {
  const text = expression.trim();
  if (/^@every\s/i.test(text)) return everyDuration(text.slice(7).trim());
  const fields = (ALIASES[text.toLowerCase()] ?? text).split(/\s+/);
  if (fields.length === 5) fields.unshift("0");
  if (fields.length !== 6) return null;
  const [second, minute, hour, dom, month, dow] = fields.map((field, place) =>
    read(field, place === 5 ? DAYS : place === 4 ? MONTHS : undefined));
  if (![second, minute, hour, dom, month, dow].every(Boolean)) return null;
  const clock = clockWords(second, minute, hour);
  const days = clock && dayWords(dom, month, dow);
  if (clock === null || days === null) return null;
  if (days === "") return clock.startsWith("at ") ? `daily ${clock}` : clock;
  return `${clock} ${days}`;
};
