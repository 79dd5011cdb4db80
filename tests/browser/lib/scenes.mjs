// What the tests of one file share: a daemon, a browser, and for each scene a context of its own,
// which has to be without troubles at the end. Of a scene that fails there are a picture and what
// the browser complained of.

import { mkdirSync } from "node:fs";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { launch, open } from "./browser.mjs";

const PICTURES = fileURLToPath(new URL("../../../target/browser-failures/", import.meta.url));
/** Of one scene; what it waits for has deadlines of its own. */
const LONGEST = 90_000;

/** `start()` gives the daemon. Returns `scene(name, options, act)`; `options` are those of `open`. */
export function stage(start) {
  const shared = {};
  before(async () => {
    shared.daemon = await start();
    shared.browser = await launch();
  });
  after(async () => {
    await shared.browser?.close();
    await shared.daemon?.remove();
  });
  /** `except`: patterns of the troubles that the scene provokes. */
  return (name, { except = [], timeout = LONGEST, ...options }, act) =>
    test(name, { timeout }, async () => {
      const { daemon, browser } = shared;
      const view = await open(browser, daemon, options);
      try {
        await act({ ...view, daemon, browser }).catch((error) => {
          // What the browser complained of may be why.
          const found = view.troubles.list({ except });
          if (found.length > 0) error.message += `\nthe browser's troubles:\n${found.join("\n")}`;
          throw error;
        });
        view.troubles.assertNone({ except });
      } catch (error) {
        await picture(view.context, name);
        throw error;
      } finally {
        await view.context.close();
      }
    });
}

async function picture(context, name) {
  mkdirSync(PICTURES, { recursive: true });
  for (const [n, page] of context.pages().entries()) {
    const path = `${PICTURES}${name.replace(/\W+/g, "-")}${n > 0 ? `-${n}` : ""}.png`;
    await page.screenshot({ path, timeout: 5000 }).then(
      () => console.error(`picture of the failure: ${path}`),
      () => {}, // A page that hangs has none.
    );
  }
}
