// The rows of a log that can be seen. Only they are elements; all others are a height. What a
// person looks at stays where it is, whatever comes or goes above it. What is copied is the text
// of the lines, also of those that are no elements: no numbers, no times.

import { pieces, plain } from "../ansi.js";
import { el, fill, reconcile } from "../dom.js";
import { bytes, plural } from "../format.js";
import { stack } from "../log_lines.js";

// So much of a line is shown, and so often it is marked; more would only slow the page down.
const LONGEST = 4000;
const MOST_MARKS = 100;

const CLASSES = { stderr: "line-err", system: "line-system" };

const keyOf = (row) => (row.gap ? `gap ${row.n}` : row.n);

/** `look`: whether it is `isWrapped`, the `query` to mark, the lines `target` and `found`; `timeOf(line)`. */
export const logRows = ({ body, lines, look, timeOf }) => {
  const holder = el("div.log-rows");
  let shown = [];
  let places = stack(shown);
  // Whether the same rows take other places now.
  let isStale = true;
  let line = 18;
  let width = 0;
  // Rows of text that a wrapped line has been seen to take.
  let measured = new WeakMap();
  let isAll = false;

  // A guess until the line is seen: a letter is 0.4 times as wide as its line is high.
  const heightOf = (row) => {
    if (!look.isWrapped || row.gap) return 1;
    return measured.get(row) ?? (Math.ceil((Math.min(row.text.length, LONGEST) * line * 0.4) / width) || 1);
  };

  // How far down the view is, and how high it is, in rows of text.
  const place = () => (body.scrollTop - holder.offsetTop) / line;
  const room = () => body.clientHeight / line;
  const scrollTo = (row) => { body.scrollTop = holder.offsetTop + row * line; };

  const remeasure = () => {
    measured = new WeakMap();
    width = body.clientWidth;
    line = parseFloat(getComputedStyle(body).lineHeight) || line;
    isStale = true;
  };

  /** Does something to what is shown, and has the same lines at the same place after it. */
  const anchored = (change = () => {}) => {
    const at = place();
    const row = places.at(at);
    const into = at - places.top(row);
    const anchor = shown[row];
    change();
    if (width !== body.clientWidth) remeasure();
    if (isStale || shown !== lines.rows) {
      isStale = false;
      shown = lines.rows;
      places = stack(shown, heightOf);
      holder.style.blockSize = `${places.total * line}px`;
    }
    if (!anchor) return;
    const now = lines.indexOf(anchor.n);
    const to = places.top(now) + Math.min(into, Math.max(1, places.top(now + 1) - places.top(now)));
    // Being scrolled, even to where it is, would end a movement under way.
    if (Math.abs(place() - to) * line > 0.5) scrollTo(to);
  };

  const marked = (text) => {
    const parts = look.query ? text.split(look.query) : [text];
    return parts.length > 2 * MOST_MARKS ? text : parts.map((part, at) => (at % 2 ? el("mark", part) : part));
  };

  const content = (text) => {
    let left = LONGEST;
    const nodes = pieces(text).map(({ text: whole, names, color = "", background = "" }) => {
      const part = marked(whole.slice(0, Math.max(0, left)));
      left -= whole.length;
      if (!names && !color && !background) return part;
      const node = el("span", { class: names }, part);
      Object.assign(node.style, { color, background });
      return node;
    });
    return [nodes, left < 0 && el("i.quiet", ` … ${bytes(-left)} more, see Download log`)];
  };

  const create = (row) => {
    if (row.gap) return el("div.line.line-note", { "data-n": row.n }, el("span", `${plural(row.gap, "line")} dropped`));
    return el("div.line", { "data-n": row.n, class: `${CLASSES[row.stream] ?? ""} ${row.continued ? "line-continued" : ""}` },
      el("a.line-number", { href: `#L${row.n + 1}`, draggable: "false", tabindex: "-1" }, row.n + 1),
      el("span.line-time", timeOf(row)),
      el("span.line-text", { dir: "ltr" }, content(row.text)));
  };

  const update = (node, row) => {
    node.style.insetBlockStart = `${places.top(lines.indexOf(row.n)) * line}px`;
    node.classList.toggle("line-target", row.n === look.target);
    node.classList.toggle("line-found", row.n === look.found);
  };

  // Where a selection begins and ends, in rows.
  const selected = () => {
    const { anchorNode, focusNode } = getSelection();
    return [anchorNode, focusNode].map((node) => (node instanceof Element ? node : node?.parentElement)?.closest(".line"))
      .filter((row) => holder.contains(row));
  };

  // Rows that stay are not touched, for they may be selected. The ends of a selection do stay.
  const draw = () => {
    const wanted = new Set(selected().map((node) => lines.indexOf(Number(node.dataset.n))));
    const last = places.at(place() + room() * 1.5);
    for (let row = places.at(place() - room() / 2); row <= last; row += 1) wanted.add(row);
    const rows = [...wanted].sort((one, other) => one - other).map((row) => shown[row]).filter(Boolean);
    const keys = new Set(rows.map((row) => String(keyOf(row))));
    for (const node of [...holder.children]) if (!keys.has(node.dataset.key)) node.remove();
    reconcile(holder, rows, keyOf, create, update);
    return rows;
  };

  // Whether a wrapped line takes another height than was thought.
  const measure = (rows) => {
    const others = rows.filter((row, at) => {
      const height = Math.round(holder.children[at].offsetHeight / line);
      const isOther = height !== heightOf(row);
      measured.set(row, height);
      return isOther;
    });
    return others.length > 0;
  };

  /** Shows what is to be seen now; true when it has to be called again. */
  const render = (isAtEnd) => {
    for (let tries = 0; tries < 3; tries += 1) {
      if (isAtEnd) body.scrollTop = body.scrollHeight;
      const rows = draw();
      if (!look.isWrapped) {
        // As wide as the widest row so far: the page does not change its width while it is scrolled.
        if (body.scrollWidth > body.clientWidth) holder.style.minInlineSize = `${body.scrollWidth}px`;
        return false;
      }
      isStale = measure(rows);
      if (!isStale) return false;
      anchored();
    }
    return true;
  };

  // Of a row that is partly selected, that part; what is too long to be shown belongs to its end.
  const partOf = (row, range) => {
    const text = holder.querySelector(`[data-key="${row.n}"] .line-text`);
    const part = document.createRange();
    part.selectNodeContents(text);
    const whole = part.toString();
    if (part.comparePoint(range.startContainer, range.startOffset) >= 0) part.setStart(range.startContainer, range.startOffset);
    if (part.comparePoint(range.endContainer, range.endOffset) <= 0) part.setEnd(range.endContainer, range.endOffset);
    return part.toString() === whole ? plain(row.text) : part.toString();
  };

  const copied = () => {
    if (getSelection().isCollapsed) return "";
    const range = getSelection().getRangeAt(0);
    const nodes = [...holder.children].filter((node) => range.intersectsNode(node));
    if (!nodes.length) return "";
    const from = isAll ? 0 : lines.indexOf(Number(nodes[0].dataset.n));
    const to = isAll ? shown.length - 1 : lines.indexOf(Number(nodes.at(-1).dataset.n));
    return shown.slice(from, to + 1).reduce((text, row, at, rows) => {
      if (row.gap) return text;
      const isPart = !isAll && (at === 0 || at === rows.length - 1);
      // Pieces of a long line are one line again.
      const isSame = at === 0 || (row.continued && rows[at - 1].stream === row.stream);
      return text + (isSame ? "" : "\n") + (isPart ? partOf(row, range) : plain(row.text));
    }, "");
  };

  body.addEventListener("copy", (event) => {
    const text = copied();
    if (!text) return;
    event.clipboardData.setData("text/plain", text);
    event.preventDefault();
  });
  body.addEventListener("pointerdown", () => { isAll = false; });

  return {
    element: holder,
    anchored,
    render,
    /** The lines look otherwise. */
    rebuild() {
      fill(holder);
      holder.style.minInlineSize = "";
      remeasure();
    },
    /** First and last row in view. */
    seen: () => [places.at(place()), places.at(place() + room() - 0.5)],
    /** Puts a line into the middle of the view, if it is not in view; true if that moved it. */
    show(n) {
      const above = places.top(lines.indexOf(n)) - place();
      if (above >= 0 && above + 1 <= room()) return false;
      scrollTo(places.top(lines.indexOf(n)) - Math.max(0, (room() - 1) / 2));
      body.scrollLeft = 0;
      return true;
    },
    selectAll() {
      getSelection().selectAllChildren(holder);
      isAll = true;
    },
  };
};
