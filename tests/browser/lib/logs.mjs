// What is to be seen of a log.

import { becomes } from "./looks.mjs";

export const body = (page) => page.locator(".log-body");
export const rows = (page) => page.locator(".log-rows .line");
export const foot = (page) => page.locator(".log-foot");

/** The lines in the page, from top to bottom: `[number, text]`. */
export const linesOf = (page) =>
  rows(page).evaluateAll((nodes) =>
    nodes.map((node) => [
      Number(node.querySelector(".line-number")?.textContent),
      node.querySelector(".line-text")?.textContent ?? node.textContent,
    ]),
  );

export const hasLines = (page, wanted, patience) =>
  becomes("the lines of the log", async () => (await linesOf(page)).map(([, text]) => text), wanted, patience);

/** Numbers and places (from the top of the log's box) of the lines that can be seen. */
export const inView = (page) =>
  body(page).evaluate((box) => {
    const { top, bottom } = box.getBoundingClientRect();
    return [...box.querySelectorAll(".log-rows .line[data-n]")]
      .map((node) => ({ n: Number(node.dataset.n) + 1, at: node.getBoundingClientRect().top - top }))
      .filter(({ at }) => at >= 0 && at < bottom - top - 10);
  });
