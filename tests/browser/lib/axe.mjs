// What axe-core finds on a page, light and dark: nothing serious is right.

import { axeSource } from "./packages.mjs";

const GRAVE = ["serious", "critical"];

/** Brings axe into the page; the context has to bypass the content security policy. */
export const withAxe = (page) => page.evaluate(axeSource());

/** What is wrong, one line each. In the other theme only colours can be. */
export async function violations(page, where) {
  const list = [];
  for (const [colorScheme, rules] of [["light"], ["dark", ["color-contrast"]]]) {
    await page.emulateMedia({ colorScheme });
    const found = await page.evaluate(
      ([grave, only]) =>
        window.axe
          .run(document, { resultTypes: ["violations"], ...(only && { runOnly: only }) })
          .then(({ violations: all }) =>
            all
              .filter(({ impact }) => grave.includes(impact))
              .flatMap(({ id, nodes }) => nodes.map(({ html, any }) => `${id}: ${html.slice(0, 160)} ${any[0]?.message ?? ""}`)),
          ),
      [GRAVE, rules],
    );
    list.push(...found.map((text) => `${where} ${colorScheme}: ${text}`));
  }
  return list;
}
