// A job that prints what a test tells it, when the test tells it: nobody has to guess how long
// anything takes.

import { execFileSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { within } from "./wait.mjs";

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

/** Makes the pipe, and gives the function that says lines to the run that has it open. */
export function speaker(daemon, name) {
  const path = join(daemon.home, `pipe-${name}`);
  execFileSync("mkfifo", [path]);
  return (...lines) => within(`a run that reads ${path}`, writeFile(path, lines.map((line) => `${line}\n`).join("")));
}
