// What comes from npm, out of the directory where tests/browser/tools puts it.

import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const require = createRequire(new URL("../../../target/browser-tools/package.json", import.meta.url));

export const { chromium } = require("playwright-core");

/** The source of axe-core, to be evaluated in a page. */
export function axeSource() {
  return require("axe-core").source;
}

/** Needs `tools figures`. */
export async function lighthouse() {
  return import(pathToFileURL(require.resolve("lighthouse")));
}
