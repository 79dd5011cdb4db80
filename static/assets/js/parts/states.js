// What stands in place of a list: that it is loading, that there is nothing, that it failed.

import { el, fill } from "../dom.js";

// Faster than this, bars would only flicker.
const PATIENCE = 150;

/** Bars in the shape of rows. */
export const skeleton = (rows) =>
  el("div.skeleton", { role: "status", "aria-label": "Loading" },
    Array.from({ length: rows }, (_, row) =>
      el("div.skeleton-row", Array.from({ length: 4 }, (_, place) => el(`span.bar.bar-${(place + row) % 4}`)))));

/** Bold line, one sentence, and the smallest example. */
export const empty = (title, text, example) =>
  el("div.empty", el("b", title), text && el("p", text), example && el("pre", example));

/** The daemon's sentence and a way to try again. */
export const broken = (error, retry) =>
  el("div.empty", { role: "alert" },
    el("b", "This could not be loaded"),
    el("p", error.message),
    el("button.button", { onclick: retry }, "Retry"));

/**
 * Shows what `load` gives by `draw`, and skeleton or failure meanwhile. Calls after `cancel` are
 * without effect.
 */
export const loading = (box, { rows = 6, load, draw }) => {
  let isOver = false;
  const run = async () => {
    const timer = setTimeout(() => !isOver && fill(box, skeleton(rows)), PATIENCE);
    try {
      const found = await load();
      if (!isOver) draw(found);
    } catch (error) {
      if (!isOver) fill(box, broken(error, run));
    } finally {
      clearTimeout(timer);
    }
  };
  run();
  return () => { isOver = true; };
};
