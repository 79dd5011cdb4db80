// No page has this address.

import { el, fill } from "../dom.js";

export const mount = (root) => {
  fill(root, el("div.empty", el("h1", "Not found"),
    el("p", "No page of the dashboard has this address. ", el("a.prose-link", { href: "/" }, "Overview"))));
  return () => {};
};
