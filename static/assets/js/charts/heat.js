// A year of a task, one mark per day: the worst outcome wins, a failure that was made good is only
// a corner, and a day without a run is hardly there.

import { el } from "../dom.js";
import { percent, plural } from "../format.js";
import { word } from "../marks.js";
import { chartBox, paint } from "./chart.js";
import { block, diamond, layers, write } from "./shapes.js";
import { runsOf } from "./stats.js";

const DAY = 86_400_000;
const WEEKS = 52;
const PITCH = 10;
const LEFT = 27;
const TOP = 14;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** Whether a day went well, was `recovered`, or ended in a failure. */
export const dayState = ({ count, failed, worst } = {}) => {
  if (!count) return "empty";
  if (!failed) return "good";
  // Two retries and then a success are a day that went well in the end.
  if (failed / count < 0.7) return "recovered";
  return worst === "missed" ? "missed" : "failed";
};

/** The days of whole weeks up to today, Mondays first: `{ date, column, row }`. */
export const calendar = (today, weeks) => {
  const last = Date.parse(today);
  const weekday = (new Date(last).getUTCDay() + 6) % 7;
  return Array.from({ length: (weeks - 1) * 7 + weekday + 1 }, (_, number) => ({
    date: new Date(last + (number - (weeks - 1) * 7 - weekday) * DAY).toISOString().slice(0, 10),
    column: Math.floor(number / 7), row: number % 7,
  }));
};

const linesOf = ({ date, day: { count = 0, failed, worst } = {} }) => [
  date,
  count ? runsOf(count, failed) : "no run",
  worst && worst !== "success" && `worst: ${word(worst)}`,
];

/** `update({ days, today })`: days as the API gives them, today in the zone of the task. */
export const heatMap = () => {
  const share = el("span");
  const title = el("b");

  const chart = chartBox((node, { days, today }, width) => {
    const weeks = Math.max(4, Math.min(WEEKS, Math.floor((width - LEFT - 11) / PITCH)));
    const known = new Map(days.map((day) => [day.date, day]));
    const squares = layers();
    const counts = { all: 0, good: 0 };
    const spots = calendar(today, weeks).map(({ date, column, row }) => {
      const [x0, y0] = [LEFT + column * PITCH, TOP + row * PITCH];
      const [x, y] = [x0 + 5, y0 + 5];
      const day = known.get(date);
      const state = dayState(day);
      const isGood = state === "good" || state === "recovered";
      if (state !== "empty") counts.all += 1;
      if (isGood) counts.good += 1;
      if (isGood) squares.add("f-ok", block(x - 2.5, y - 2.5, 5, 5));
      if (state === "empty") squares.add("f-line", block(x - 1, y - 1, 2, 2));
      else if (state === "missed") squares.add("s-warn", diamond(x, y, 3.75));
      else if (state === "recovered") squares.add("f-bad", `M${x - 2} ${y - 4}h5v5z`);
      else if (!isGood) squares.add("f-bad", diamond(x, y, 4.75));
      return { date, day, column, row, x0, x1: x0 + PITCH, y0, y1: y0 + PITCH };
    });
    // 299 of 300 days are not all of them.
    const part = Math.min(counts.good / counts.all, counts.good < counts.all ? 0.994 : 1);
    const isFirst = ({ date, row, column }) => row === 0 && column > 0 && Number(date.slice(8)) <= 7;
    title.textContent = `${weeks} weeks`;
    share.textContent = counts.all ? `${percent(part)} of ${plural(counts.all, "day")}` : "no runs yet";
    paint(
      node,
      {
        width: LEFT + weeks * PITCH + 11, height: 86, spots, lines: linesOf, jump: 7,
        label: `One mark per day over ${title.textContent}: ${counts.good} of ${plural(counts.all, "day")} went well`,
      },
      spots.filter(isFirst).map(({ date, x0 }) => write(x0 + 1, 9, MONTHS[Number(date.slice(5, 7)) - 1])),
      ["Mon", "Wed", "Fri"].map((name, index) => write(0, 23 + index * 20, name)),
      squares.shapes(),
    );
  });

  return {
    ...chart,
    element: el("figure.heat",
      el("figcaption", title, el("span.heat-about", "one mark per day, worst outcome wins"), share), chart.element),
  };
};
