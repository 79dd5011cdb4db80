// A year of a task, one mark per day: the worst outcome wins, a failure that was made good is only
// a corner, and a day without a run is hardly there.

import { el, fill, svg } from "../dom.js";
import { percent, plural } from "../format.js";
import { isFailure, word } from "../marks.js";
import { box, pointing, sizeTo } from "./box.js";
import { path, round, write } from "./shapes.js";

const DAY = 86_400_000;
const WEEKS = 52;
const PITCH = 10;
const LEFT = 30;
const TOP = 18;
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** Whether a day went well, was `recovered`, or ended in a failure. */
export const dayState = ({ count, failed, worst } = {}) => {
  if (!count) return "empty";
  if (!failed) return isFailure(worst ?? "") ? worst : "good";
  // Two retries and then a success are a day that went well in the end.
  if (failed / count < 0.7) return "recovered";
  return worst === "missed" ? "missed" : "failed";
};

/** The days of whole weeks up to today, Mondays first: `{ date, column, row }`. */
export const calendar = (today, weeks) => {
  const last = Date.parse(`${today}T00:00:00Z`);
  const weekday = (new Date(last).getUTCDay() + 6) % 7;
  const first = last - (weekday + (weeks - 1) * 7) * DAY;
  const days = [];
  for (let at = first; at <= last; at += DAY) {
    const number = Math.round((at - first) / DAY);
    days.push({ date: new Date(at).toISOString().slice(0, 10), column: Math.floor(number / 7), row: number % 7 });
  }
  return days;
};

export const heatMap = () => {
  const drawing = svg("svg", { class: "chart", role: "img" });
  const share = el("span");
  const title = el("b");
  const host = el("div", { class: "chart-box" }, drawing);
  const element = el(
    "figure",
    { class: "heat" },
    el("figcaption", {}, title, el("span", { class: "heat-about" }, "one mark per day, worst outcome wins"), share),
    host,
  );
  let data = { days: [], today: "1970-01-01" };
  let known = new Map();
  let shown = [];
  let ring;

  const draw = (width) => {
    const weeks = Math.max(4, Math.min(WEEKS, Math.floor((width - LEFT) / PITCH)));
    shown = calendar(data.today, weeks);
    known = new Map(data.days.map((day) => [day.date, day]));
    title.textContent = `${weeks} weeks`;
    ring = path("g-focus");
    sizeTo(drawing, LEFT + weeks * PITCH + 8, 86);
    fill(drawing, months(), ["Mon", "Wed", "Fri"].map((name, index) => write(0, 23 + index * 20, name)), marks(), ring);
    say();
  };

  const place = ({ column, row }) => ({ x: LEFT + column * PITCH + 2, y: TOP + row * PITCH + 1 });

  const months = () => {
    let before = -10;
    return shown
      .filter(({ date, row }, index) => row === 0 && index > 0 && Number(date.slice(8)) <= 7)
      .map(({ date, column }) => {
        if (column - before < 3) return null;
        before = column;
        return write(LEFT + column * PITCH - 2, 9, MONTHS[Number(date.slice(5, 7)) - 1]);
      });
  };

  const marks = () => {
    const paths = { "f-line": "", "f-ok": "", "f-bad": "", "s-warn": "" };
    for (const day of shown) {
      const { x, y } = place(day);
      const square = `M${x - 2.5} ${y - 2.5}h5v5h-5z`;
      const state = dayState(known.get(day.date));
      if (state === "empty") paths["f-line"] += `M${x - 1} ${y - 1}h2v2h-2z`;
      else if (state === "good") paths["f-ok"] += square;
      else if (state === "missed") paths["s-warn"] += `M${x} ${y - 3.75}l3.75 3.75-3.75 3.75-3.75-3.75z`;
      else if (state === "recovered") {
        paths["f-ok"] += square;
        paths["f-bad"] += `M${x - 2} ${y - 4}h5v5z`;
      } else paths["f-bad"] += `M${x} ${y - 4.75}l4.75 4.75-4.75 4.75-4.75-4.75z`;
    }
    return Object.entries(paths).map(([name, d]) => path(name, d));
  };

  const say = () => {
    const states = shown.map(({ date }) => dayState(known.get(date))).filter((state) => state !== "empty");
    const good = states.filter((state) => state === "good" || state === "recovered").length;
    // 299 of 300 days are not all of them.
    const part = Math.min(good / states.length, good < states.length ? 0.994 : 1);
    share.textContent = states.length ? `${percent(part)} of ${plural(states.length, "day")}` : "no runs yet";
    drawing.setAttribute("aria-label", `One mark per day over ${title.textContent}: ${good} of ${plural(states.length, "day")} went well`);
  };

  const lines = (index) => {
    const { date } = shown[index];
    const { count = 0, failed = 0, worst } = known.get(date) ?? {};
    return [
      date,
      count ? `${plural(count, "run")}${failed ? `, ${failed} failed` : ""}` : "no run",
      worst && worst !== "success" && `worst: ${word(worst)}`,
    ];
  };

  pointing(drawing, {
    hit(px, py) {
      const column = Math.floor((px - LEFT + PITCH / 2 - 2) / PITCH);
      const row = Math.floor((py - TOP + PITCH / 2 - 1) / PITCH);
      if (column < 0 || row < 0 || row > 6) return -1;
      return shown[column * 7 + row] ? column * 7 + row : -1;
    },
    spots: () => shown.map((day, index) => ({ index, ...place(day) })),
    jump: 7,
    lines,
    point(spot) {
      ring?.setAttribute("d", spot ? `M${round(spot.x - 4.5)} ${round(spot.y - 4.5)}h9v9h-9z` : "");
    },
  });

  const sized = box(host, draw);
  return {
    element,
    /** `days` as the API gives them, `today` in the zone of the task. */
    update(next) {
      data = next;
      sized.redraw();
    },
    destroy: sized.destroy,
  };
};
