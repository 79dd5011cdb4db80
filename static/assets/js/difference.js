// What a reload of the configuration comes to, in words. Pure.

const parts = ({ added, removed, changed }) => [
  ["+", "added", added.map((name) => ({ name }))],
  ["−", "removed", removed.map((name) => ({ name }))],
  ["~", "changed", changed],
];

/** `+1 added, −2 removed, ~1 changed`; empty when no task differs. */
export const totals = (difference) =>
  parts(difference).filter(([, , list]) => list.length).map(([sign, word, list]) => `${sign}${list.length} ${word}`).join(", ");

/** A row for each task: `{ sign, word, name, about }`. */
export const rows = (difference) =>
  parts(difference).flatMap(([sign, word, list]) => list.map(({ name, reasons = [] }) => ({ sign, word, name, about: reasons.join(", ") })));

/** What is wrong with the configuration, a line for each; an answer that lists nothing is its own line. */
export const flaws = ({ errors, message }) => (errors.length ? errors.map((error) => error.message) : [message]);
