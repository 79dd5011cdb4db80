// What a page is asked about itself: when it painted first, when it was ready, how long its tasks
// kept the browser busy, how much memory it holds.

/** To be called before the page goes anywhere. */
export function plant(context) {
  return context.addInitScript(() => {
    const seen = { paint: null, ready: null, longTasks: [] };
    window.probes = seen;
    const watch = (type, take) =>
      new PerformanceObserver((list) => list.getEntries().forEach(take)).observe({ type, buffered: true });
    watch("paint", ({ name, startTime }) => {
      if (name === "first-contentful-paint") seen.paint = startTime;
    });
    watch("longtask", ({ startTime, duration }) => seen.longTasks.push({ startTime, duration }));
    // The element is there when the document is; until then the document itself is watched.
    const look = () => {
      if (document.documentElement?.dataset.ready === "true") seen.ready ??= performance.now();
    };
    new MutationObserver(look).observe(document, {
      attributes: true,
      subtree: true,
      attributeFilter: ["data-ready"],
    });
  });
}

export const probes = (page) => page.evaluate(() => window.probes);

/** Forgets the long tasks so far. */
export const forgetLongTasks = (page) => page.evaluate(() => window.probes.longTasks.splice(0).length);

/** Bytes in use and nodes alive once all garbage is collected. */
export async function memory(page) {
  const session = await page.context().newCDPSession(page);
  try {
    await session.send("Performance.enable");
    await session.send("HeapProfiler.enable");
    await session.send("HeapProfiler.collectGarbage");
    const { metrics } = await session.send("Performance.getMetrics");
    const value = (wanted) => metrics.find(({ name }) => name === wanted).value;
    return { heap: value("JSHeapUsedSize"), nodes: value("Nodes"), listeners: value("JSEventListeners") };
  } finally {
    await session.detach();
  }
}
