// The processes that a daemon started. When it is killed they live on, until the next daemon ends
// them or we do: each leads a group of its own, and carries its run's id in its environment.

import { readFileSync } from "node:fs";

/** The ids of the direct children of a process. */
export function childrenOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean).map(Number);
  } catch {
    return []; // It is gone, and so are its children.
  }
}

/** Ends the groups of those among the processes that are still runs. */
export function endRuns(pids) {
  for (const pid of pids) {
    try {
      const environment = readFileSync(`/proc/${pid}/environ`, "latin1");
      if (environment.includes("RUNWISP_RUN_ID=")) process.kill(-pid, "SIGKILL");
    } catch {
      // Gone in the meantime.
    }
  }
}
