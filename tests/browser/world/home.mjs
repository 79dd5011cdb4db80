// A home for a world: a directory with configuration and data directory, made in three steps. A
// daemon without tasks makes the schema, the past is written while none is there, and then the real
// configuration is started.

import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Daemon } from "../lib/daemon.mjs";

/** Says that a directory was made here, and may be thrown away. */
const MARK = "a-world-of-tests";

/** Makes the world and gives its daemon. Without `home` it is a temporary one. */
export async function build(size, { home, port, isApart } = {}) {
  if (home !== undefined) clear(home);
  const daemon = await Daemon.start({ toml: "", home, port, isApart });
  try {
    await daemon.stop();
    writeFileSync(daemon.config, size.toml);
    if (size.past !== undefined) size.past(daemon.config, Date.now()).write(daemon.data);
    await daemon.boot();
    await size.liven?.(daemon);
  } catch (error) {
    console.error(daemon.log());
    await daemon.remove();
    throw error;
  }
  return daemon;
}

function clear(home) {
  mkdirSync(home, { recursive: true });
  const isOurs = existsSync(join(home, MARK));
  if (!isOurs && readdirSync(home).length > 0) throw new Error(`${home} is not empty, and no world`);
  for (const name of ["data", "daemon.log"]) rmSync(join(home, name), { recursive: true, force: true });
  writeFileSync(join(home, MARK), "");
}
