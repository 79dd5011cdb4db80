// How heavy and how quick the dashboard is, in front of a host with 200 tasks and 100,000 runs.
//
//     bash tests/browser/tools figures && node tests/browser/figures.mjs
//
// prints a table. MINUTES (10) is how long a log is followed for the figures of memory. This is no
// test: what is fast depends on the machine.

import { launch, open, visit } from "./lib/browser.mjs";
import { freePort } from "./lib/daemon.mjs";
import { lighthouse } from "./lib/packages.mjs";
import { forgetLongTasks, memory, plant, probes } from "./lib/probes.mjs";
import { pause, waitFor } from "./lib/wait.mjs";
import { world } from "./world.mjs";
import { FLOOD } from "./world/large.mjs";

const LOADS = 7;
const FLOODED = 20_000;
const MINUTES = Number(process.env.MINUTES ?? 10);
const CATEGORIES = ["performance", "accessibility", "best-practices"];

const table = [];
const note = (what, value) => {
  table.push([what, value]);
  console.error(`${what}: ${value}`);
};
const kilobytes = (bytes) => `${(bytes / 1024).toFixed(1)} KiB`;
const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
const range = (numbers) =>
  `${Math.round(median(numbers))} ms (${Math.round(Math.min(...numbers))} to ${Math.round(Math.max(...numbers))})`;

/** All files that the overview makes the browser load, as they are served. */
async function assets(browser, daemon) {
  const { context, page } = await open(browser, daemon);
  const sizes = [];
  context.on("requestfinished", (request) => {
    if (!new URL(request.url()).pathname.startsWith("/api/")) sizes.push(request.sizes());
  });
  await visit(page, "/");
  const bodies = (await Promise.all(sizes)).map(({ responseBodySize }) => responseBodySize);
  note("files", bodies.length);
  note("bytes of all files", kilobytes(bodies.reduce((sum, size) => sum + size, 0)));
  await context.close();
}

async function loads(browser, daemon) {
  const paints = [];
  const readies = [];
  for (let n = 0; n < LOADS; n += 1) {
    const { context, page } = await open(browser, daemon);
    await plant(context);
    await visit(page, "/");
    const seen = await waitFor("the first paint", async () => {
      const answer = await probes(page);
      return answer.paint !== null && answer.ready !== null && answer;
    });
    paints.push(seen.paint);
    readies.push(seen.ready);
    await context.close();
  }
  note(`overview, first contentful paint, median of ${LOADS}`, range(paints));
  note(`overview, everything drawn, median of ${LOADS}`, range(readies));
}

/** Follows a log of 500 lines a second. */
async function flood(browser, daemon) {
  const { id } = await daemon.run(FLOOD);
  const { context, page } = await open(browser, daemon);
  await plant(context);
  const address = `tasks/${FLOOD}/runs/${id}`;
  const lines = async () => (await daemon.api(`${address}/log?from=-1`)).total_lines;
  await visit(page, `/tasks/${FLOOD}/${id}`);
  const [begun, before] = [performance.now(), await lines()];
  await forgetLongTasks(page);
  await pause(FLOODED);
  const { longTasks } = await probes(page);
  const rate = ((await lines()) - before) / ((performance.now() - begun) / 1000);
  note(`log view at ${Math.round(rate)} lines/s, long tasks in ${FLOODED / 1000} s`, longTasks.length);
  note(
    "log view, longest task",
    `${Math.round(Math.max(0, ...longTasks.map(({ duration }) => duration)))} ms`,
  );

  const start = await memory(page);
  await pause(MINUTES * 60_000);
  const end = await memory(page);
  for (const [when, { heap, nodes, listeners }] of [
    ["at the start", start],
    [`after ${MINUTES} min`, end],
  ]) {
    note(`log view, memory ${when}`, `${kilobytes(heap)}, ${nodes} nodes, ${listeners} listeners`);
  }
  note("log view, lines by then", await lines());
  await context.close();
  await daemon.post(`${address}/stop`);
}

async function scores(daemon) {
  const { default: audit, desktopConfig } = await lighthouse();
  const port = await freePort();
  const browser = await launch({ args: [`--remote-debugging-port=${port}`] });
  try {
    const flags = {
      port,
      output: "json",
      logLevel: "error",
      onlyCategories: CATEGORIES,
      extraHeaders: { Cookie: `runwisp_jwt=${await daemon.token()}` },
    };
    const { lhr } = await audit(`${daemon.url}/`, flags, desktopConfig);
    if (lhr.runtimeError !== undefined) throw new Error(lhr.runtimeError.message);
    for (const category of CATEGORIES) {
      const { score, auditRefs } = lhr.categories[category];
      const short = auditRefs
        .filter(({ id, weight }) => weight > 0 && (lhr.audits[id].score ?? 1) < 0.9)
        .map(({ id }) => id);
      note(`lighthouse desktop, ${category}`, [Math.round(score * 100), ...short].join(", "));
    }
  } finally {
    await browser.close();
  }
}

async function main() {
  const daemon = await world("large");
  const browser = await launch();
  try {
    await assets(browser, daemon);
    await loads(browser, daemon);
    await flood(browser, daemon);
    await scores(daemon);
  } finally {
    await browser.close();
    await daemon.remove();
  }
  const width = Math.max(...table.map(([what]) => what.length));
  for (const [what, value] of table) console.log(`${what.padEnd(width)}  ${value}`);
}

await main();
