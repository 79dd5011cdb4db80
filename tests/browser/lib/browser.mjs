// A real Chromium and its contexts: of a size, with a colour scheme, signed in or not, watched for
// troubles. CHROMIUM names another binary than Debian's.

import { chromium } from "./packages.mjs";
import { Troubles } from "./troubles.mjs";
import { PATIENCE } from "./wait.mjs";

const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium";

/** Nothing of its own on the network, and nothing that a container can't give. */
export const ARGUMENTS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export const SIZES = {
  wide: { width: 1440, height: 900 },
  phone: { width: 390, height: 844 },
};

/** Of the design: the last stage of a page's loading (`document.documentElement.dataset.ready`). */
const READY = 'html[data-ready="true"]';

export function launch({ args = [] } = {}) {
  return chromium.launch({ executablePath: CHROMIUM, headless: true, args: [...ARGUMENTS, ...args] });
}

/** A new context with one page, not yet anywhere. `size` is a name of SIZES, or width and height. */
export async function open(browser, daemon, options = {}) {
  const {
    size = "wide",
    scheme = "light",
    reducedMotion = "no-preference",
    signedIn = true,
    ...rest
  } = options;
  const context = await browser.newContext({
    baseURL: daemon.url,
    viewport: SIZES[size] ?? size,
    deviceScaleFactor: 1,
    hasTouch: size === "phone",
    isMobile: size === "phone",
    colorScheme: scheme,
    reducedMotion,
    locale: "en-GB",
    timezoneId: "Europe/Prague",
    ...rest,
  });
  context.setDefaultTimeout(PATIENCE);
  const troubles = new Troubles(context, daemon.url);
  if (signedIn) await context.addCookies([await sessionCookie(daemon)]);
  return { context, page: await context.newPage(), troubles };
}

/** Goes to a path of the dashboard and returns when the page has drawn what it loads. */
export async function visit(page, path, { patience = PATIENCE } = {}) {
  await page.goto(path, { waitUntil: "commit" });
  await ready(page, { patience });
}

/** Waits with a selector: the content security policy lets no function be evaluated again and again. */
export async function ready(page, { patience = PATIENCE } = {}) {
  await page.locator(READY).waitFor({ state: "attached", timeout: patience });
}

/** docs/security.md, Sessions. */
export async function sessionCookie(daemon) {
  const { hostname } = new URL(daemon.url);
  return {
    name: "runwisp_jwt",
    value: await daemon.token(),
    domain: hostname,
    path: "/api/",
    httpOnly: true,
    sameSite: "Strict",
  };
}
