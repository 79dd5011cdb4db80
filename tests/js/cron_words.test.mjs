// Run with `node --test tests/js`. The rules of expressions: docs/configuration.md, Schedules.

import assert from "node:assert/strict";
import test from "node:test";

import { schedule } from "../../static/assets/js/cron_words.js";

const check = (table) => {
  for (const [expression, words] of table) assert.equal(schedule(expression), words, expression);
};

test("times of the day are said as a clock shows them", () => check([
  ["15 4 * * *", "daily at 04:15"],
  ["05 04 * * *", "daily at 04:05"],
  ["  15\t4 * *   * ", "daily at 04:15"],
  ["15 4 ? * ?", "daily at 04:15"],
  ["0 6,18 * * *", "daily at 06:00 and 18:00"],
  ["0,30 9 * * *", "daily at 09:00 and 09:30"],
  ["0 */12 * * *", "daily at 00:00 and 12:00"],
  ["0 1/12 * * *", "daily at 01:00 and 13:00"],
  ["*/15 9 * * *", "daily at 09:00, 09:15, 09:30 and 09:45"],
  ["0 0 * * *", "daily at 00:00"],
  ["@daily", "daily at 00:00"],
  ["@Midnight", "daily at 00:00"],
  ["0 1,4,9,16,20 * * *", null],
]));

test("a step is said where it goes on over the end of the hour or day", () => check([
  ["* * * * *", "every minute"],
  ["*/1 * * * *", "every minute"],
  ["*/15 * * * *", "every 15 minutes"],
  ["0/5 * * * *", "every 5 minutes"],
  ["?/5 * * * *", "every 5 minutes"],
  ["0-59/20 * * * *", "every 20 minutes"],
  ["0,15,30,45 * * * *", "every 15 minutes"],
  ["3/10 * * * *", "every 10 minutes from :03"],
  ["5/20 * * * *", "every hour at :05, :25 and :45"],
  ["1,2,3,4,5 * * * *", null],
  ["0 */6 * * *", "every 6 hours"],
  ["0 */8 * * *", "every 8 hours"],
  ["20 */2 * * *", "every 2 hours at :20"],
  ["0 * * * *", "every hour"],
  ["@hourly", "every hour"],
  ["7 * * * *", "every hour at :07"],
]));

test("a step that starts anew with the hour or day is not called one", () => check([
  ["*/7 * * * *", null],
  ["*/25 * * * *", "every hour at :00, :25 and :50"],
  ["45/30 * * * *", "every hour at :45"],
  ["20/15 * * * *", "every hour at :20, :35 and :50"],
  ["*/45 * * * *", "every hour at :00 and :45"],
  ["*/60 * * * *", "every hour"],
  ["*/99999999999999999999 * * * *", "every hour"],
  ["0 */7 * * *", "daily at 00:00, 07:00, 14:00 and 21:00"],
  ["0 */5 * * *", null],
  ["0 */24 * * *", "daily at 00:00"],
  ["0 3/2 * * *", null],
  ["*/7 * * * * *", null],
]));

test("a range of hours has its last minute said", () => check([
  ["* 9-17 * * *", "every minute from 09:00 to 17:59"],
  ["* 3 * * *", "every minute from 03:00 to 03:59"],
  ["*/15 9-17 * * *", "every 15 minutes from 09:00 to 17:59"],
  ["30 9-17 * * *", "every hour from 09:30 to 17:30"],
  ["0 8,9,10,11,12 * * *", "every hour from 08:00 to 12:00"],
  ["0 9-11 * * *", "daily at 09:00, 10:00 and 11:00"],
  ["*/7 9-17 * * *", null],
  ["5/15 9-17 * * *", null],
  ["0 8-10,14-16 * * *", null],
  ["0 0-23 * * *", "every hour"],
  ["0 22-2 * * *", null],
]));

test("days of the week are named from Monday to Sunday", () => check([
  ["0 18 * * 1-5", "at 18:00 on weekdays"],
  ["0 18 * * MON-fri", "at 18:00 on weekdays"],
  ["0 18 * * 5,1,2,4,3,3", "at 18:00 on weekdays"],
  ["0 18 * * sat,Sun", "at 18:00 on weekends"],
  ["0 18 * * 6-7", "at 18:00 on weekends"],
  ["0 18 * * 7", "at 18:00 on Sunday"],
  ["0 18 * * 0,7", "at 18:00 on Sunday"],
  ["@weekly", "at 00:00 on Sunday"],
  ["0 18 * * fri-sun", "at 18:00 on Friday, Saturday and Sunday"],
  ["0 18 * * 0-2", "at 18:00 on Monday, Tuesday and Sunday"],
  ["0 18 * * mon-fri/2", "at 18:00 on Monday, Wednesday and Friday"],
  ["0 18 * * 1/2", "at 18:00 on Monday, Wednesday, Friday and Sunday"],
  ["0 18 * * */2", "at 18:00 on Tuesday, Thursday, Saturday and Sunday"],
  ["*/5 * * * sun", "every 5 minutes on Sunday"],
  ["0 18 * * 0-6", "daily at 18:00"],
  ["0 18 * * sat-mon", null],
]));

test("days of the month belong to months that have them", () => check([
  ["0 0 1 * *", "at 00:00 on the 1st of each month"],
  ["0 0 2,3,11,22 * *", "at 00:00 on the 2nd, 3rd, 11th and 22nd of each month"],
  ["0 0 28 * *", "at 00:00 on the 28th of each month"],
  ["0 0 31 * *", "at 00:00 on the 31st"],
  ["0 0 */10 * *", "at 00:00 on the 1st, 11th, 21st and 31st"],
  ["0 0 */5 * *", null],
  ["0 0 14,1-4 * *", null],
  ["0 0 14 * *", "at 00:00 on the 14th of each month"],
  ["0 0 * 1-5 *", null],
  ["@yearly", "at 00:00 on the 1st of January"],
  ["@ANNUALLY", "at 00:00 on the 1st of January"],
  ["@monthly", "at 00:00 on the 1st of each month"],
  ["0 12 29 Feb *", "at 12:00 on the 29th of February"],
  ["0 0 1 1/3 *", "at 00:00 on the 1st of January, April, July and October"],
  ["0 0 1 */2 *", null],
  ["0 0 * JAN,jul *", "daily at 00:00 in January and July"],
  ["0 0 * * 1 ", "at 00:00 on Monday"],
  ["0 0 * 12 1", "at 00:00 on Monday in December"],
]));

test("two day fields are one or the other, or no words", () => check([
  ["0 0 13 * 5", "at 00:00 on the 13th and also on Friday"],
  ["0 0 1,15 * mon-fri", "at 00:00 on the 1st and 15th and also on weekdays"],
  // Both must match where one has a star.
  ["0 0 */2 * 1", null],
  ["0 0 13 * */2", null],
  // Either matches, and one always does.
  ["0 0 1-31 * 5", "daily at 00:00"],
  ["0 0 13 * 0-6", "daily at 00:00"],
  ["0 0 2,* * 2", "at 00:00 on Tuesday"],
  // "on Friday in May" would leave open whether the 13th is of May too.
  ["0 0 13 5 5", null],
]));

test("the first of six fields is the second", () => check([
  ["* * * * * *", "every second"],
  ["*/15 * * * * *", "every 15 seconds"],
  ["0,30 * * * * *", "every 30 seconds"],
  ["1,2,3,4,5 * * * * *", null],
  ["30 * * * * *", "every minute at second 30"],
  ["10,40 * * * * *", "every minute at second 10 and 40"],
  ["0 15 4 * * *", "daily at 04:15"],
  ["0 0 * * * *", "every hour"],
  ["7 30 9 * * *", null],
  ["* 30 9 * * *", null],
]));

test("an interval is said in the units it is given in", () => check([
  ["@every 90s", "every 90 seconds"],
  ["@every 1m", "every minute"],
  ["@EVERY\t01h", "every hour"],
  ["@every 1h30m", "every 1 hour 30 minutes"],
  ["@every 2h0m", "every 2 hours"],
  ["@every 1d", "every day"],
  ["@every 1w", null],
  ["@every 1500ms", null],
  ["@every 1.5h", null],
  ["@every 1h 30m", null],
  ["@every 5M", null],
  ["@every 0", null],
  ["@every 0s", null],
  ["@every", null],
]));

test("what is no expression has no words", () => {
  for (const text of [
    "", "* * * *", "* * * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * 32 * *", "* * * 13 *", "* * * * 8",
    "* * * january *", "* * * mon *", "* * * * jan", "mon * * * *", "*/0 * * * *", "*/ * * * *", "*/-1 * * * *",
    "*/1e1 * * * *", "1/2/3 * * * *", "1,,2 * * * *", "1, * * * *", "/5 * * * *", "5- * * * *", "-5 * * * *", "+5 * * * *",
    "1-2-3 * * * *", "*-5 * * * *", "** * * * *", "30-10 * * * *", "0 0 L * *", "0 0 15W * *", "0 0 LW * *", "0 0 * * 5#2",
    "0 0 * * 5L", "H/15 * * * *", "@reboot", "@fortnightly", "CRON_TZ=UTC 0 0 * * *", "TZ=UTC @daily",
  ]) assert.equal(schedule(text), null, text);
});

// The other way round: what do the words claim, and is it what the expression does? Both sides are
// written without the module's own way of reading.

const DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/** Whether a value matches a field. */
const has = (field, value, least, most, names = []) => field.split(",").some((item) => {
  const number = (text) => (names.includes(text.toLowerCase()) ? names.indexOf(text.toLowerCase()) + least : Number(text));
  const [base, step] = item.split("/");
  let [from, to] = base.split("-");
  if ("*?".includes(base)) [from, to] = [least, most];
  else if (to === undefined) [from, to] = [number(from), step ? most : number(from)];
  else [from, to] = [number(from), number(to)];
  if (names === DAYS && to === 0 && from > 0) to = 7;
  const isIn = (one) => one >= from && one <= to && (one - from) % (step ?? 1) === 0;
  return isIn(value) || (names === DAYS && value === 0 && isIn(7));
});

/** Each field with whether a value matches it, asked once for each value. */
const tabled = (fields, least, most, names) => fields.map((field) => {
  const table = Array.from({ length: most + 1 }, (_, value) => has(field, value, least, most, names));
  return { field, fires: (value) => table[value], restricts: !field.split(",").some((item) => "*?".includes(item[0])) };
});

const dayFires = (dom, month, dow, { date, inMonth, weekday }) => {
  const isDay = dom.restricts && dow.restricts
    ? dom.fires(date) || dow.fires(weekday)
    : dom.fires(date) && dow.fires(weekday);
  return isDay && month.fires(inMonth);
};

const parts = (list) => list.split(/, | and /);
const place = (names) => (name) => {
  const found = names.indexOf(name.slice(0, 3).toLowerCase());
  assert.ok(found >= 0, name);
  return found;
};

const CLOCKS = [
  [/^every minute from (\d\d):00 to (\d\d):59/, ([from, to], hour) => hour >= from && hour <= to],
  [/^every minute/, () => true],
  [/^every (\d+) minutes from (\d\d):00 to (\d\d):59/, ([step, from, to], hour, minute) =>
    60 % step === 0 && hour >= from && hour <= to && minute % step === 0],
  [/^every (\d+) minutes from :(\d\d)/, ([step, from], _, minute) => 60 % step === 0 && (minute + 60 - from) % step === 0],
  [/^every (\d+) minutes/, ([step], _, minute) => 60 % step === 0 && minute % step === 0],
  [/^every hour from (\d\d):(\d\d) to (\d\d):\2/, ([from, past, to], hour, minute) => minute === past && hour >= from && hour <= to],
  [/^every hour at ((?::\d\d(?:, | and )?)+)/, ([list], _, minute) => parts(list).includes(`:${String(minute).padStart(2, "0")}`)],
  [/^every hour/, (_, hour, minute) => minute === 0],
  [/^every (\d+) hours at :(\d\d)/, ([step, past], hour, minute) => 24 % step === 0 && hour % step === 0 && minute === past],
  [/^every (\d+) hours/, ([step], hour, minute) => 24 % step === 0 && hour % step === 0 && minute === 0],
  [/^(?:daily )?at ((?:\d\d:\d\d(?:, | and )?)+)/, ([list], hour, minute) =>
    parts(list).includes(`${String(hour).padStart(2, "0")}:${String(minute).padStart(2, "0")}`)],
];

/** What words claim: `{ clock(hour, minute), day({ date, inMonth, weekday }) }`. */
const claim = (words) => {
  for (const [pattern, holds] of CLOCKS) {
    const found = pattern.exec(words);
    if (!found) continue;
    const values = found.slice(1).map((text) => (/^\d+$/.test(text) ? Number(text) : text));
    const rest = words.slice(found[0].length);
    const DAY = /^(?: on the ((?:\d+(?:st|nd|rd|th)(?:, | and (?=\d))?)+)( and also)?)?(?: on ((?:\w+day|weekdays|weekends)(?:(?:, | and )\w+day)*))?(?: (of each month|(?:in|of) ([A-Z].*)))?$/;
    const said = DAY.exec(rest);
    assert.ok(said, words);
    const [, dates, also, week, months, named] = said;
    assert.equal(Boolean(also), Boolean(dates && week), words);
    if (words.startsWith("daily")) assert.ok(!dates && !week, words);
    if (months === "of each month") assert.ok(dates && parts(dates).every((date) => parseInt(date, 10) < 29), words);
    const weekdays = { weekdays: [1, 2, 3, 4, 5], weekends: [0, 6] }[week] ?? (week && parts(week).map(place(DAYS)));
    const wantedDates = dates && parts(dates).map((date) => parseInt(date, 10));
    const wantedMonths = named && parts(named).map(place(MONTHS));
    return {
      clock: (hour, minute) => holds(values, hour, minute),
      day: ({ date, inMonth, weekday }) =>
        (!wantedDates && !weekdays || wantedDates?.includes(date) || weekdays?.includes(weekday) || false)
        && (!wantedMonths || wantedMonths.includes(inMonth - 1)),
    };
  }
  return assert.fail(words);
};

test("words about the clock claim what the expression does", () => {
  const minutes = ["*", "?", "0", "7", "0/5", "*/1", "*/7", "*/15", "*/20", "*/30", "*/40", "*/60", "*/90", "3/10", "5/20", "45/30",
    "59/2", "0,30", "15,45", "0-59", "10-20", "10-20/5", "1-59/2", "0-30/30", "0,10,20,30,40,50", "0,1,2,3,4", "5,5"];
  const hours = ["*", "*/1", "0-23", "0", "23", "9-17", "22-23", "8,9,10,11,12", "0,12", "6,18", "1,2,3,5,8", "*/2", "*/5", "*/6", "*/7", "*/8",
    "*/12", "*/23", "*/24", "1/2", "1/6", "2/12", "20/2", "9-17/2", "9-17/8"];
  let spoken = 0;
  const day = Array.from({ length: 1440 }, (_, at) => [Math.floor(at / 60), at % 60]);
  for (const minute of tabled(minutes, 0, 59)) {
    for (const hour of tabled(hours, 0, 23)) {
      const words = schedule(`${minute.field} ${hour.field} * * *`);
      if (words === null) continue;
      spoken += 1;
      const { clock } = claim(words);
      const wrong = day.find(([h, m]) => clock(h, m) !== (minute.fires(m) && hour.fires(h)));
      assert.equal(wrong, undefined, `${minute.field} ${hour.field}: ${words}`);
    }
  }
  assert.ok(spoken > minutes.length * hours.length / 3, String(spoken));
});

test("words about days claim what the expression does", () => {
  const calendar = [];
  for (let at = Date.UTC(2026, 0, 1); at < Date.UTC(2029, 0, 1); at += 86_400_000) {
    const day = new Date(at);
    calendar.push({ date: day.getUTCDate(), inMonth: day.getUTCMonth() + 1, weekday: day.getUTCDay() });
  }
  const doms = ["*", "?", "1", "13", "31", "28", "29", "1,15", "1-3", "1-7", "1-31", "*/1", "*/2", "*/10", "*/15", "28/1", "30-31", "2,*", "1/31"];
  const months = ["*", "1", "JAN", "feb", "6-8", "1/3", "*/3", "*/5", "1-12", "nov,Dec", "1-6"];
  const dows = ["*", "?", "0", "7", "sun", "1-5", "mon-fri", "0-6", "0-7", "6,0", "SAT-sun", "fri-sun", "1/2", "7/2", "*/2", "*/7", "5,*", "0-2", "1,1"];
  let spoken = 0;
  for (const dom of tabled(doms, 1, 31)) {
    for (const month of tabled(months, 1, 12, MONTHS)) {
      for (const dow of tabled(dows, 0, 7, DAYS)) {
        const words = schedule(`0 0 ${dom.field} ${month.field} ${dow.field}`);
        if (words === null) continue;
        spoken += 1;
        const { day } = claim(words);
        const wrong = calendar.find((date) => day(date) !== dayFires(dom, month, dow, date));
        assert.equal(wrong, undefined, `${dom.field} ${month.field} ${dow.field}: ${words}`);
      }
    }
  }
  assert.ok(spoken > doms.length * months.length * dows.length / 4, String(spoken));
});
