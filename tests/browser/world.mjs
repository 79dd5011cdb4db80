// Worlds to look at and to test against: data directories that look as if a daemon had long been at
// work, and the daemon that goes on from there.
//
//     node tests/browser/world.mjs SIZE DIR PORT
//
// makes one and keeps its daemon running until Ctrl-C. The password is `correcthorse`. DIR is made
// anew if it is a world already.

import { realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { PASSWORD } from "./lib/daemon.mjs";
import { build } from "./world/home.mjs";

const SIZES = ["vps", "operate", "large", "thousand", "hostile", "little", "empty"];

/** A daemon in the world of that size; `home` and `port` where it matters. */
export async function world(size, place) {
  if (!SIZES.includes(size)) throw new Error(`no world is called ${size}; there are ${SIZES.join(", ")}`);
  return build(await import(`./world/${size}.mjs`), place);
}

async function main([size, home, port]) {
  if (port === undefined) {
    console.error(`usage: node tests/browser/world.mjs ${SIZES.join("|")} DIR PORT`);
    return 2;
  }
  const begun = performance.now();
  const daemon = await world(size, { home, port: Number(port), isApart: true });
  console.log(
    `${size} at ${daemon.url}, made in ${Math.round(performance.now() - begun)} ms; password ${PASSWORD}`,
  );
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => daemon.stop());
  const how = await daemon.exited;
  if (how !== 0) console.error(daemon.log());
  return how === 0 ? 0 : 1;
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  process.exitCode = await main(process.argv.slice(2));
}
