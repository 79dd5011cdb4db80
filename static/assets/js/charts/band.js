// The day band: what started per quarter of an hour, each failure as one diamond, and to the right
// of now what is expected.

import { zone } from "../clock.js";
import { el, fill, svg } from "../dom.js";
import { clock, dayMonth, duration, hourMinute, plural } from "../format.js";
import { word } from "../marks.js";
import { box, hatching, pointing, sizeTo } from "./box.js";
import { disc, markAt, path, round, write } from "./shapes.js";
import { slots } from "./slots.js";
import { ticks, tickStep } from "./stats.js";

const HEIGHT = 84;
const TOP = 14;
const GROUND = 64;
// One run is 5 px high, as long as the day is a quiet one and failures have room on top.
const UNIT = 5;
const ROOM = 46;

export const dayBand = ({ onOpen }) => {
  const hatch = hatching();
  const drawing = svg("svg", { class: "chart", role: "img" });
  const host = el("div", { class: "chart-box" }, drawing);
  const element = el("figure", { class: "day" }, host);
  let data;
  let all = [];
  let width = 0;
  let failures = [];
  let ring;

  const x = (at) => round(((at - data.from) / (data.to - data.from)) * width);

  const draw = (available) => {
    width = available;
    if (!data) return;
    all = slots(data);
    failures = [];
    ring = path("g-focus");
    sizeTo(drawing, width, HEIGHT, label());
    fill(drawing, hatch.definition, axis(), down(), bars(), diamonds(), words(), now(), ring);
  };

  const axis = () => {
    const marks = ticks(data.from, data.to, tickStep(data.to - data.from, width), zone());
    return marks.map(({ at, label: text, isDay }) => [
      path("g-line", `M${Math.round(x(at)) + 0.5} ${TOP}V68`),
      (isDay || x(at) > 18) && x(at) < width - 18 && write(Math.max(x(at), text.length * 3.4), 81, text, isDay ? "t-middle t-strong" : "t-middle"),
    ]);
  };

  const down = () =>
    (data.down ?? [])
      .filter(({ from, to }) => to > data.from && from < data.to)
      .map(({ from, to }) => {
        const start = x(Math.max(from, data.from));
        return svg("rect", { fill: hatch.fill, x: start, y: TOP, width: Math.max(1, round(x(Math.min(to, data.to)) - start)), height: GROUND - TOP });
      });

  const bars = () => {
    const slotWidth = width / all.length;
    const gap = slotWidth > 5 ? 2 : slotWidth > 3 ? 1 : 0.5;
    const unit = Math.min(UNIT, ...all.map(({ good, expected, failed }) => (ROOM - Math.min(failed, 2) * 10) / (good + expected || 1)));
    let good = "";
    let hollow = "";
    all.forEach((slot, index) => {
      const left = round(index * slotWidth + gap / 2);
      const wide = round(slotWidth - gap);
      slot.top = GROUND;
      if (slot.good) {
        const high = round(Math.max(1.5, slot.good * unit));
        slot.top -= high;
        good += `M${left} ${GROUND}v${-high}h${wide}v${high}z`;
      }
      if (slot.expected) {
        const high = round(Math.max(1.5, slot.expected * unit) - 1);
        hollow += `M${round(left + 0.5)} ${slot.top - 0.5}v${-high}h${round(wide - 1)}v${high}z`;
      }
    });
    return [path("f-ok", good), path("s-future", hollow)];
  };

  const diamonds = () => {
    const slotWidth = width / all.length;
    const size = Math.max(7, Math.min(10, slotWidth));
    return all.map((slot, index) => {
      if (!slot.failed) return null;
      const middle = round((index + 0.5) * slotWidth);
      const fitting = Math.max(1, Math.floor((slot.top - TOP - 2) / size));
      const shown = slot.failed > fitting ? Math.max(1, fitting - 1) : slot.failed;
      slot.size = size;
      slot.shown = shown;
      const marks = Array.from({ length: shown }, (_, place) => {
        const failure = slot.failures[place];
        const y = slot.top - 1 - size / 2 - place * size;
        if (failure) failures.push({ index: failures.length, slot, failure, x: middle, y });
        return markAt(failure?.outcome ?? "failed", middle, y, size + 1.5);
      });
      const more = slot.failed > shown && write(middle, round(slot.top - shown * size - 3), `×${slot.failed}`, "t-danger t-middle t-halo");
      return [marks, more];
    });
  };

  const words = () => {
    const minutes = duration(data.bucket).replace(/m$/, " min");
    const caption = width < 500 ? `runs per ${minutes}` : `runs started per ${minutes}`;
    const nowX = x(data.now);
    return [
      path("g-axis", `M0 ${GROUND + 0.5}H${width}`),
      nowX > caption.length * 6.7 + 12 && write(0, 10, caption),
      nowX < width - 120 && write(width, 10, "expected", "t-end"),
    ];
  };

  const now = () => {
    const at = x(data.now);
    if (at < 0 || at > width) return null;
    const isLate = at > width - 40;
    return [
      path("g-now", `M${at} 9V70`),
      disc("f-now", at, 6, 3.5),
      write(isLate ? at - 8 : at + 8, 10, "now", isLate ? "t-accent t-end" : "t-accent"),
    ];
  };

  const label = () => {
    const sum = (of) => all.reduce((total, slot) => total + slot[of], 0);
    return `${plural(sum("good") + sum("failed"), "run")} in ${duration(data.now - data.from)}, ${sum("failed")} failed, ${sum("expected")} expected until ${hourMinute(data.to, zone())}`;
  };

  const hit = (px) => {
    const slot = Math.floor((px / width) * all.length);
    return px >= 0 && slot < all.length ? slot : -1;
  };

  const lines = (slot) => {
    const { from, to, good, failed, failures: known, expected } = slot;
    const when = `${dayMonth(from, zone())} ${hourMinute(from, zone())} to ${hourMinute(to, zone())}`;
    const named = known.slice(0, 5).map(({ task_name: name, outcome }) => `${name} ${word(outcome)}`);
    return [
      when,
      (good + failed > 0 || from < data.now) && `${plural(good + failed, "run")}${failed ? `, ${failed} failed` : ""}`,
      expected > 0 && `${expected} expected`,
      ...named,
      failed > named.length && named.length > 0 && `and ${failed - named.length} more`,
    ];
  };

  // The failure that was meant: the only one, or the one at that height.
  const openSlot = (slot) => {
    if (!slot.failures.length) return;
    const place = Math.floor((slot.top - 1 - lastY) / (slot.size ?? 10));
    onOpen(slot.failures[Math.min(Math.max(place, 0), Math.min(slot.shown, slot.failures.length) - 1)]);
  };
  let lastY = 0;

  pointing(drawing, {
    // Pointers point at slots, keys at failures, which are numbered behind them.
    hit(px, py) {
      lastY = py;
      return data ? hit(px) : -1;
    },
    opens: (index) => index >= all.length || all[index]?.failures.length > 0,
    spots: () => failures.map(({ index, x: px, y }) => ({ index: all.length + index, x: px, y })),
    lines(index) {
      if (index < all.length) return lines(all[index]);
      const { failure } = failures[index - all.length];
      return [failure.task_name, word(failure.outcome), `${dayMonth(failure.at, zone())} ${clock(failure.at, zone())}`];
    },
    open(index) {
      if (index < all.length) openSlot(all[index]);
      else onOpen(failures[index - all.length].failure);
    },
    point(spot) {
      ring?.setAttribute("d", spot ? `M${spot.x} ${spot.y - 9}l9 9-9 9-9-9z` : "");
    },
  });

  const sized = box(host, draw);
  return {
    element,
    update(next) {
      data = next;
      sized.redraw();
    },
    destroy: sized.destroy,
  };
};
