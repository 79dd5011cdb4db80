// The part of a log that is in the page: lines in the order of their numbers, none twice, and an
// entry `{ n, gap }` where lines are lost for good. Pure. Only so much is kept; what goes, goes
// from the end that nobody looks at, and can be loaded again.

const MOST = 50_000;
const VOLUME = 16_000_000;

/** The first of `count` places that passes; those behind it do too. */
const firstOf = (count, passes) => {
  let low = 0;
  while (low < count) {
    const middle = (low + count) >> 1;
    if (passes(middle)) count = middle;
    else low = middle + 1;
  }
  return low;
};

/** Where rows of such heights are: `top(row)`, and `at(height)`, the row that covers it. */
export const stack = (rows, heightOf) => {
  let total = 0;
  // Made anew for each batch of lines: a typed array and a loop take a fifth of two calls of `map`.
  const ends = new Float64Array(rows.length);
  for (let row = 0; row < rows.length; row += 1) ends[row] = total += heightOf(rows[row]);
  return {
    total,
    top: (row) => (row > 0 ? ends[row - 1] ?? total : 0),
    at: (height) => firstOf(Math.max(0, ends.length - 1), (row) => ends[row] > height),
  };
};

const volumeOf = (line) => line.text?.length ?? 0;

export const logLines = ({ most = MOST, volume = VOLUME } = {}) => {
  let lines = [];
  // Those that pass the filter; null when they have to be looked for again.
  let rows = null;
  let passes = null;
  let size = 0;
  let next = null;

  const add = (line) => {
    lines.push(line);
    size += volumeOf(line);
    next = line.n + (line.gap ?? 1);
  };

  const self = {
    /** What passes the filter, gaps included: another list after each change. */
    get rows() { return (rows ??= passes ? lines.filter(passes) : lines.slice()); },
    get isEmpty() { return lines.length === 0; },
    /** Not so much text that a page more would push out another. */
    get hasRoom() { return size < volume / 2; },
    /** Number of the first line that is here. */
    get first() { return lines[0]?.n ?? next ?? 0; },
    /** Number of the line that would go on; null before the first. */
    get next() { return next; },

    /** Nothing is here, and the next line is this one or any. */
    clear(at = null) {
      lines = [];
      rows = null;
      size = 0;
      next = at;
    },

    filter(pass) {
      passes = pass;
      rows = null;
    },

    /** Lines behind the last; those before it are known. */
    append(batch) {
      for (const line of batch) {
        if (line.n < next) continue;
        if (next !== null && line.n > next) add({ n: next, gap: line.n - next });
        add(line);
        rows = null;
      }
    },

    /** Lines before the first, if they reach it. */
    prepend(batch) {
      const older = batch.filter((line) => line.n < self.first);
      if (older.at(-1)?.n !== self.first - 1) return;
      lines = [...older, ...lines];
      rows = null;
      older.forEach((line) => { size += volumeOf(line); });
    },

    /** Drops what is too much, of the oldest or else of the newest; with some room, so that this is rare. */
    trim(isOldest) {
      if (lines.length <= most && size <= volume) return;
      let from = 0;
      let to = lines.length;
      while (to - from > 1 && (to - from > most * 0.98 || size > volume)) size -= volumeOf(lines[isOldest ? from++ : --to]);
      next = lines[to]?.n ?? next;
      lines = lines.slice(from, to);
      rows = null;
    },

    /** The first row whose number is not lower. */
    indexOf: (n) => firstOf(self.rows.length, (row) => self.rows[row].n >= n),
  };
  return self;
};
