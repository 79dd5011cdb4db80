// Which tab somebody looks at. A browser without a screen shows all of its tabs at the same time.

/** To be called before the pages of the context go anywhere. */
export const plant = (context) =>
  context.addInitScript(() => {
    let isHidden = false;
    Object.defineProperty(document, "hidden", { get: () => isHidden });
    Object.defineProperty(document, "visibilityState", { get: () => (isHidden ? "hidden" : "visible") });
    window.setHidden = (to) => {
      isHidden = to;
      document.dispatchEvent(new Event("visibilitychange"));
    };
  });

/** Puts one of the tabs in front of the others. */
export async function lookAt(pages, wanted) {
  for (const page of pages) if (page !== wanted) await page.evaluate(() => window.setHidden(true));
  await wanted.evaluate(() => window.setHidden(false));
}
