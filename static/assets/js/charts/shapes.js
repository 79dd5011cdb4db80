// The shapes that charts are made of.

import { svg } from "../dom.js";
import { look } from "../marks.js";

/** Pixels as short as they can be told apart. */
export const round = (number) => Math.round(number * 100) / 100;

export const path = (name, d) => svg("path", { class: name, d });
export const rect = (name, x, y, width, height) => svg("rect", { class: name, x, y, width, height });
export const disc = (name, cx, cy, r) => svg("circle", { class: name, cx, cy, r });
export const write = (x, y, words, name) => svg("text", { class: name, x, y }, words);

/** The mark of an outcome, its middle at a place in a chart. */
export const markAt = (outcome, x, y, size = 10) =>
  svg("use", { href: `#m-${look(outcome)}`, class: `mark-${look(outcome)}`, x: round(x - size / 2), y: round(y - size / 2), width: size, height: size });
