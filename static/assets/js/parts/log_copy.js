// What is copied from a log: the text of the lines, from the first selected character to the last,
// also of those in between that are not in the page any more. No numbers, no times.

import { plain } from "../ansi.js";

const rowOf = (node) => (node.nodeType === Node.ELEMENT_NODE ? node : node.parentElement)?.closest(".line");

/** Listens for selections in `holder`; `keep(nodes)`: these rows have to stay elements. */
export const logCopy = ({ body, holder, lines, keep }) => {
  let isAll = false;

  const ends = () => {
    const selection = getSelection();
    if (!selection.rangeCount || selection.isCollapsed) return null;
    const range = selection.getRangeAt(0);
    return range.intersectsNode(holder) ? range : null;
  };

  // An end of a selection as a row and a place in its text.
  const point = (node, offset, isStart) => {
    let row = holder.contains(node) ? rowOf(node) : null;
    if (!row && node === holder) {
      const child = holder.children[isStart ? offset : offset - 1];
      row = child;
      if (!isStart && child) return { n: Number(child.dataset.n), column: Infinity };
    } else if (!row) {
      row = isStart ? holder.firstElementChild : holder.lastElementChild;
      return row && { n: Number(row.dataset.n), column: isStart ? 0 : Infinity };
    }
    if (!row) return null;
    const text = row.querySelector(".line-text");
    const n = Number(row.dataset.n);
    if (!text) return { n, column: 0 };
    const before = document.createRange();
    before.setStart(text, 0);
    if (before.comparePoint(node, offset) < 0) return { n, column: 0 };
    const whole = document.createRange();
    whole.selectNodeContents(text);
    // Behind the last character that is shown: what is not shown belongs to it too.
    if (whole.comparePoint(node, offset) > 0) return { n, column: Infinity };
    before.setEnd(node, offset);
    const column = before.toString().length;
    return { n, column: column >= whole.toString().length ? Infinity : column };
  };

  const selected = () => {
    if (isAll) return text({ n: 0, column: 0 }, { n: Infinity, column: Infinity });
    const range = ends();
    if (!range) return null;
    const start = point(range.startContainer, range.startOffset, true);
    const end = point(range.endContainer, range.endOffset, false);
    return start && end && text(start, end);
  };

  const text = (start, end) => {
    let out = "";
    for (let at = lines.indexOf(start.n); at < lines.rows.length; at += 1) {
      const row = lines.rows[at];
      if (row.n > end.n) break;
      if (row.gap) continue;
      // Pieces of a long line are one line again.
      const isSame = row.continued && lines.rows[at - 1]?.stream === row.stream;
      if (row.n > start.n && !isSame) out += "\n";
      out += plain(row.text).slice(row.n === start.n ? start.column : 0, row.n === end.n ? end.column : Infinity);
    }
    return out;
  };

  const onSelection = () => {
    const range = ends();
    if (!range) isAll = false;
    keep(new Set(range && !isAll ? [rowOf(range.startContainer), rowOf(range.endContainer)].filter((row) => row && holder.contains(row)) : []));
  };

  const onCopy = (event) => {
    const copied = selected();
    if (copied === null) return;
    event.clipboardData.setData("text/plain", copied);
    event.preventDefault();
  };

  body.addEventListener("copy", onCopy);
  body.addEventListener("pointerdown", () => { isAll = false; });
  document.addEventListener("selectionchange", onSelection);
  return {
    /** Everything that is loaded. */
    selectAll() {
      getSelection().selectAllChildren(holder);
      isAll = true;
    },
    destroy: () => document.removeEventListener("selectionchange", onSelection),
  };
};
