// A job that prints what a test tells it, when the test tells it: nobody has to guess how long
// anything takes.

import { execFileSync } from "node:child_process";
import { openSync, writeSync } from "node:fs";
import { join } from "node:path";

/** The command of a task that echoes the lines of a pipe: `exit N` ends it, `! text` is for stderr. */
export const listener = (name) => `
exec 3<>pipe-${name}
while read -r line <&3; do
    case $line in
        exit*) exit \${line#exit } ;;
        !*) echo "\${line#! }" >&2 ;;
        *) echo "$line" ;;
    esac
done
`;

/**
 * Makes the pipe, and gives the function that says lines to the run that reads it, or to the next one
 * that will: it is open for reading here too, so that nobody waits.
 */
export function speaker(daemon, name) {
  const path = join(daemon.home, `pipe-${name}`);
  execFileSync("mkfifo", [path]);
  const pipe = openSync(path, "r+");
  return (...lines) => writeSync(pipe, lines.map((line) => `${line}\n`).join(""));
}
