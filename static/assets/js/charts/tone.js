// The colour of an outcome in a chart. The shape says the same: see marks.js.

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
