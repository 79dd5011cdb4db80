// When the daemon was down: the gaps between its lives. Only what is known; a life whose end nobody
// saw leaves no gap.

import { millis } from "../format.js";

/** Lives newest first, as the API gives them; gaps earliest first. */
export const downtimes = (lives) =>
  lives
    .slice(1)
    .map((life, index) => ({ from: millis(life.stopped_at), to: millis(lives[index].started_at) }))
    .filter(({ from, to }) => from < to)
    .reverse();
