// Copies a text, also where the browser has no clipboard for a page over plain HTTP.

import { el } from "../dom.js";
import { icon } from "../marks.js";
import { done } from "./toast.js";

/** Copies and says so; false where the browser lets nobody copy. */
export const copy = async (text, what) => {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    if (!copyBySelection(text)) return false;
  }
  done(`Copied ${what}`);
  return true;
};

const copyBySelection = (text) => {
  const field = el("textarea.visually-hidden", { readonly: true, "aria-hidden": "true" });
  field.value = text;
  document.body.append(field);
  const before = document.activeElement;
  field.select();
  let isCopied = false;
  try {
    isCopied = document.execCommand("copy");
  } catch {
    // As good as false.
  }
  field.remove();
  before?.focus?.();
  return isCopied;
};

/** A small button behind a text; where copying fails, the text gets selected. */
export const copyButton = (text, what, target) =>
  el("button.copy", {
    "aria-label": `Copy ${what}`,
    title: `Copy ${what}`,
    onclick: async () => (await copy(text, what)) || getSelection().selectAllChildren(target),
  }, icon("copy"));
