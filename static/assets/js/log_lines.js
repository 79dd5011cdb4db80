// The part of a log that is in the page: lines in the order of their numbers, none twice, and an
// entry `{ n, gap }` where lines are lost for good. Pure. Only so much is kept; what goes, goes
// from the end that nobody looks at, and can be loaded again.

const MOST = 50_000;
const VOLUME = 16_000_000;

/** Rows of text that a line takes: `top(row)` and `at(height)` in those rows. */
export const heights = () => {
  // The end of each row, counted from a place before the first.
  let ends = [];
  let base = 0;
  const top = (row) => (row > 0 ? (ends[Math.min(row, ends.length) - 1] ?? base) - base : 0);
  const push = (list) => {
    let end = ends.at(-1) ?? base;
    for (const height of list) ends.push((end += height));
  };
  return {
    top,
    push,
    get total() { return top(ends.length); },
    set(list) {
      ends = [];
      base = 0;
      push(list);
    },
    unshift(list) {
      const old = ends.map((end, row) => end - (row ? ends[row - 1] : base));
      this.set(list);
      push(old);
    },
    shift(count) {
      if (!count) return;
      base = ends[count - 1] ?? base;
      ends.splice(0, count);
    },
    pop(count) {
      ends.length -= count;
    },
    /** The row that covers a height. */
    at(height) {
      let low = 0;
      let high = ends.length - 1;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (ends[middle] - base > height) high = middle;
        else low = middle + 1;
      }
      return Math.max(0, low);
    },
    /** Takes heights that were measured, from a row on; true if one was another. */
    correct(row, list) {
      let shift = 0;
      let isOther = false;
      let before = top(row) + base;
      for (const height of list) {
        const old = ends[row] + shift - before;
        shift += height - old;
        isOther ||= height !== old;
        ends[row] += shift;
        before = ends[row];
        row += 1;
      }
      if (shift) for (; row < ends.length; row += 1) ends[row] += shift;
      return isOther;
    },
  };
};

export const logLines = ({ most = MOST, volume = VOLUME } = {}) => {
  let lines = [];
  let rows = lines;
  let passes = null;
  let size = 0;
  let errors = 0;
  let next = null;

  const count = (line, sign) => {
    size += sign * (line.text?.length ?? 0);
    if (line.stream === "stderr") errors += sign;
  };

  const sift = () => {
    rows = passes ? lines.filter(passes) : lines;
  };

  // How many entries are too many; with some room, so that this is not done for each line.
  const excess = (walk) => {
    if (lines.length <= most && size <= volume) return 0;
    let left = size;
    let gone = 0;
    while (gone < lines.length - 1 && (lines.length - gone > most * 0.98 || left > volume)) left -= walk(gone++).text?.length ?? 0;
    return gone;
  };

  return {
    /** What passes the filter, gaps included. */
    get rows() { return rows; },
    get errors() { return errors; },
    get size() { return size; },
    get hasRoom() { return size < volume / 2; },
    get isEmpty() { return lines.length === 0; },
    /** Number of the first line that is here. */
    get first() { return lines.length ? lines[0].n : next ?? 0; },
    /** Number of the line that would go on; null before the first. */
    get next() { return next; },

    /** Nothing is here, and the next line is this one or any. */
    clear(at = null) {
      lines = [];
      size = errors = 0;
      next = at;
      sift();
    },

    /** Only what passes is a row. */
    filter(pass) {
      passes = pass;
      sift();
    },

    /** Lines behind the last; those before it are known. Gives the number of new rows. */
    append(batch) {
      const before = rows.length;
      const add = (line) => {
        lines.push(line);
        if (rows !== lines && passes(line)) rows.push(line);
        count(line, 1);
      };
      for (const line of batch) {
        if (next !== null && line.n < next) continue;
        if (next !== null && line.n > next) add({ n: next, gap: line.n - next });
        add(line);
        next = line.n + (line.gap ?? 1);
      }
      return rows.length - before;
    },

    /** Lines before the first, up to it. Gives the number of new rows. */
    prepend(batch) {
      const end = this.first;
      const older = batch.filter((line) => line.n < end);
      if (!older.length || older.at(-1).n !== end - 1) return 0;
      next ??= end;
      const before = rows.length;
      lines = [...older, ...lines];
      older.forEach((line) => count(line, 1));
      sift();
      return rows.length - before;
    },

    /** Drops what is too much at the start; gives the number of rows that went. */
    trimStart() {
      const gone = excess((at) => lines[at]);
      if (!gone) return 0;
      const before = rows.length;
      lines.splice(0, gone).forEach((line) => count(line, -1));
      if (rows !== lines) sift();
      return rows === lines ? gone : before - rows.length;
    },

    /** Drops what is too much at the end. */
    trimEnd() {
      const gone = excess((at) => lines[lines.length - 1 - at]);
      if (!gone) return 0;
      const before = rows.length;
      const dropped = lines.splice(lines.length - gone, gone);
      dropped.forEach((line) => count(line, -1));
      next = dropped[0].n;
      if (rows !== lines) sift();
      return rows === lines ? gone : before - rows.length;
    },

    /** The first row whose number is not lower. */
    indexOf(n) {
      let low = 0;
      let high = rows.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (rows[middle].n < n) low = middle + 1;
        else high = middle;
      }
      return low;
    },
  };
};
