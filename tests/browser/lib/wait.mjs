// Waiting for a condition, always with a deadline. Nothing here or elsewhere sleeps a guessed time.

/** How long anything may take that a machine with little to spare does in a moment. */
export const PATIENCE = 20_000;

const PAUSE = 25;

/** Asks until the answer is something, and gives that back; a question that throws has no answer yet. */
export async function waitFor(what, ask, patience = PATIENCE) {
  const end = performance.now() + patience;
  let cause;
  for (;;) {
    try {
      const answer = await ask();
      if (answer) return answer;
      cause = undefined;
    } catch (error) {
      cause = error;
    }
    if (performance.now() > end) {
      throw new Error(`waited ${patience} ms in vain: ${what}`, { cause });
    }
    await pause(PAUSE);
  }
}

/** The answer of a promise, unless it takes too long. */
export async function within(what, promise, patience = PATIENCE) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${patience} ms in vain: ${what}`)), patience);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** For measurements that last a given time, and between two questions. */
export function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
