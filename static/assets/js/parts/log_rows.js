// The rows of a log that can be seen. Only they are elements; all others are a height. What a
// person looks at stays where it is, whatever comes or goes above it.

import { pieces } from "../ansi.js";
import { el, fill } from "../dom.js";
import { bytes, plural } from "../format.js";
import { heights } from "../log_lines.js";

// So much of a line is shown; more would only slow the page down.
const LONGEST = 4000;
const MOST_MARKS = 100;

/** `dress(line)`: `{ time, query, isTarget, isCurrent }` of a row; `isWrapped()`. */
export const logRows = ({ body, lines, dress, isWrapped }) => {
  const probe = el("div.line.line-probe", { "aria-hidden": "true" }, el("span.line-number"), el("span.line-time"), el("span.line-text", el("span", "0".repeat(100))));
  const holder = el("div.log-rows");
  const sizer = el("div.log-sizer", probe, holder);
  const tall = heights();
  const drawn = new Map();
  let line = 18;
  let columns = 80;
  let widest = 0;
  let digits = 0;
  // Rows that hold the ends of a selection.
  let kept = new Set();

  const heightOf = (row) =>
    isWrapped() && !row.gap ? Math.max(1, Math.ceil(Math.min(row.text.length, LONGEST) / columns)) : 1;

  const measure = () => {
    const text = probe.lastElementChild;
    const character = text.firstElementChild.getBoundingClientRect().width / 100;
    line = probe.getBoundingClientRect().height || line;
    const room = text.clientWidth - parseFloat(getComputedStyle(text).paddingInlineEnd);
    columns = Math.max(10, Math.floor((room + 0.01) / character) || 80);
  };

  const remeasure = () => {
    const before = [line, isWrapped() && columns].join();
    measure();
    if ([line, isWrapped() && columns].join() !== before) anchored(rebuild);
  };

  const resize = () => {
    sizer.style.blockSize = `${tall.total * line}px`;
  };

  const rebuild = () => {
    tall.set(lines.rows.map(heightOf));
    resize();
  };

  // How far down the view is, in rows of text.
  const place = () => (body.scrollTop - sizer.offsetTop) / line;

  /** Does something to the lines, and shows the same ones at the same place after it. */
  const anchored = (change) => {
    const at = place();
    const row = tall.at(at);
    const n = lines.rows[row]?.n;
    const into = at - tall.top(row);
    change();
    resize();
    if (n === undefined) return;
    const now = lines.indexOf(n);
    const height = tall.top(now + 1) - tall.top(now);
    const to = sizer.offsetTop + (tall.top(now) + Math.min(into, Math.max(height, 1))) * line;
    // Being scrolled, even to where it is, would end a movement under way.
    if (Math.abs(body.scrollTop - to) > 0.5) body.scrollTop = to;
  };

  const content = (row, { query }) => {
    const { list, more } = pieces(row.text, LONGEST);
    const parts = query ? marked(list, query) : list;
    const nodes = parts.map(({ text, names, color, background, hit }) => {
      if (hit) return el("mark", text);
      if (!names && !color && !background) return text;
      const node = el("span", { class: names || null }, text);
      if (color) node.style.color = color;
      if (background) node.style.backgroundColor = background;
      return node;
    });
    if (more) nodes.push(el("span.line-more", `… ${bytes(more)} more, see Download log`));
    return nodes;
  };

  const build = (row) => {
    if (row.gap) return el("div.line.line-note", { "data-n": row.n }, el("span", `${plural(row.gap, "line")} dropped`));
    const look = dress(row);
    const node = el("div.line", { "data-n": row.n },
      el("a.line-number", { href: `#L${row.n + 1}`, draggable: "false", tabindex: "-1" }, row.n + 1),
      look.time !== null && el("span.line-time", look.time),
      el("span.line-text", { dir: "ltr" }, content(row, look)));
    node.classList.toggle("line-err", row.stream === "stderr");
    node.classList.toggle("line-system", row.stream === "system");
    node.classList.toggle("line-continued", Boolean(row.continued));
    node.classList.toggle("line-target", look.isTarget);
    node.classList.toggle("line-found", look.isCurrent);
    return node;
  };

  const keyOf = (row) => (row.gap ? `gap ${row.n}` : row.n);

  // Rows that stay are not touched, for they may be selected.
  const draw = (from, to) => {
    const wanted = new Map();
    for (let at = from; at < to; at += 1) wanted.set(keyOf(lines.rows[at]), lines.rows[at]);
    for (const [key, node] of drawn) {
      const isSeen = wanted.has(key);
      if (!isSeen && !kept.has(node)) {
        node.remove();
        drawn.delete(key);
        continue;
      }
      // One that is kept stands where it would be, out of sight.
      node.classList.toggle("line-kept", !isSeen);
      node.style.insetBlockStart = isSeen ? "" : `${(tall.top(lines.indexOf(Number(node.dataset.n))) - tall.top(from)) * line}px`;
    }
    let next = holder.firstElementChild;
    for (const [key, row] of wanted) {
      while (next?.classList.contains("line-kept") && Number(next.dataset.n) < row.n) next = next.nextElementSibling;
      let node = drawn.get(key);
      if (node && node === next) {
        next = next.nextElementSibling;
        continue;
      }
      if (!node) drawn.set(key, (node = build(row)));
      holder.insertBefore(node, next);
    }
    holder.style.insetBlockStart = `${tall.top(from) * line}px`;
  };

  /** Shows what is to be seen now; true when it has to be called again. */
  const render = (isAtEnd) => {
    resize();
    if (isAtEnd) body.scrollTop = body.scrollHeight;
    const room = body.clientHeight / line;
    const at = place();
    const count = lines.rows.length;
    const from = tall.at(at - room / 2);
    const to = count ? Math.min(count, tall.at(at + room * 1.5) + 1) : 0;
    draw(from, to);
    let isOther = false;
    if (isWrapped() && to > from) {
      const found = [];
      for (let row = from; row < to; row += 1) found.push(Math.max(1, Math.round(drawn.get(keyOf(lines.rows[row])).offsetHeight / line)));
      anchored(() => {
        isOther = tall.correct(from, found);
      });
      if (isOther) {
        holder.style.insetBlockStart = `${tall.top(from) * line}px`;
        if (isAtEnd) body.scrollTop = body.scrollHeight;
      }
    } else if (holder.offsetWidth > widest) {
      // The widest row so far: the page does not change its width while it is scrolled.
      widest = holder.offsetWidth;
      holder.style.minInlineSize = `max(100%, ${widest}px)`;
    }
    return isOther;
  };

  return {
    element: sizer,
    holder,
    anchored,
    render,
    /** Other lines, another filter. */
    rebuild() {
      holder.style.minInlineSize = "";
      widest = 0;
      drawn.clear();
      fill(holder);
      rebuild();
    },
    /** The same lines look otherwise. */
    refresh() {
      drawn.clear();
      fill(holder);
    },
    /** One row looks otherwise, if it is there. */
    touch(n) {
      const node = drawn.get(n);
      if (!node) return;
      drawn.set(n, build(lines.rows[lines.indexOf(n)]));
      node.replaceWith(drawn.get(n));
    },
    /** The box or its type has another size. */
    remeasure,
    /** Room for numbers of so many digits. */
    reserve(count) {
      if (count === digits) return;
      digits = count;
      body.style.setProperty("--digits", count);
      remeasure();
    },
    /** Times or wrapping may have changed. */
    restyle() {
      anchored(() => {
        body.classList.toggle("is-wrapped", isWrapped());
        measure();
        this.rebuild();
      });
    },
    appended(count) {
      if (count) tall.push(lines.rows.slice(-count).map(heightOf));
    },
    prepended(count) {
      tall.unshift(lines.rows.slice(0, count).map(heightOf));
    },
    shift: tall.shift,
    pop: tall.pop,
    /** First and last row in view. */
    seen() {
      const at = place();
      return [tall.at(Math.max(0, at)), tall.at(at + body.clientHeight / line - 0.5)];
    },
    /** Puts a line into the middle of the view, if it is not in view; true if that moved it. */
    show(n) {
      const row = lines.indexOf(n);
      const height = body.clientHeight / line;
      const above = tall.top(row) - place();
      if (above >= 0 && above + 1 <= height) return false;
      body.scrollTop = sizer.offsetTop + (tall.top(row) - Math.max(0, (height - 1) / 2)) * line;
      return true;
    },
    keep(nodes) {
      kept = nodes;
    },
  };
};

// Cuts the pieces where the query is found.
const marked = (list, query) => {
  const text = list.map((piece) => piece.text).join("");
  const hits = [];
  for (const found of text.matchAll(query)) {
    if (found[0]) hits.push([found.index, found.index + found[0].length]);
    if (hits.length === MOST_MARKS) break;
  }
  if (!hits.length) return list;
  const parts = [];
  let at = 0;
  for (const piece of list) {
    const end = at + piece.text.length;
    let from = at;
    for (const [start, stop] of hits) {
      if (stop <= from || start >= end) continue;
      if (start > from) parts.push({ ...piece, text: text.slice(from, start) });
      from = Math.max(from, start);
      parts.push({ ...piece, text: text.slice(from, Math.min(stop, end)), hit: true });
      from = Math.min(stop, end);
    }
    if (from < end) parts.push({ ...piece, text: text.slice(from, end) });
    at = end;
  }
  return parts;
};
