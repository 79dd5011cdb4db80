// Facts in one line: a name, and what is to be known.

import { el } from "../dom.js";

export const fact = (name, ...value) => el("div", el("dt", name), " ", el("dd", value));
