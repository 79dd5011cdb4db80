// The colour of an outcome in a chart, and how close two marks may come. Shape repeats what colour
// says: the marks themselves are those of marks.js.

import { svg } from "../dom.js";
import { look } from "../marks.js";

const TONES = {
  success: "ok", running: "now", stopped: "warn", missed: "missed",
  failed: "bad", timeout: "bad", crashed: "bad", log_overflow: "bad",
};

/** `ok`, `now`, `bad`, `warn`, `missed`, or `idle` for all that asks for nothing. */
export const tone = (outcome) => TONES[look(outcome)] ?? "idle";

/** The classes of the tones for areas. */
export const FILL = { ok: "f-ok", now: "f-now", bad: "f-bad", warn: "f-warn", missed: "s-warn", idle: "f-idle" };

/** The order from calm to trouble. */
const ORDER = ["ok", "idle", "now", "warn", "missed", "bad"];

export const worse = (one, other) => (ORDER.indexOf(tone(other)) > ORDER.indexOf(tone(one)) ? other : one);

/** The mark of an outcome, its middle at a place in a chart. */
export const markAt = (outcome, x, y, size = 10) =>
  svg("use", { href: `#m-${look(outcome)}`, class: `mark-${look(outcome)}`, x: round(x - size / 2), y: round(y - size / 2), width: size, height: size });

/** Pixels as short as they can be told apart. */
export const round = (number) => Math.round(number * 100) / 100;

