// Dialogs and popovers: focus moves in, stays in, and returns; Escape closes.

import { el } from "../dom.js";

/**
 * Opens a modal dialog with this content; resolves with what `close` was given, or null. The
 * content is made by `build(close)`.
 */
export const openDialog = ({ label, className = "", build }) =>
  new Promise((resolve) => {
    const before = document.activeElement;
    const dialog = el("dialog", { class: `dialog ${className}`, "aria-label": label });
    const close = (result = null) => {
      if (!dialog.isConnected) return;
      dialog.close();
      dialog.remove();
      before?.focus?.();
      resolve(result);
    };
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      close();
    });
    // A press on the backdrop has the dialog itself as target.
    dialog.addEventListener("pointerdown", (event) => event.target === dialog && isOutside(dialog, event) && close());
    dialog.append(...[build(close)].flat());
    document.body.append(dialog);
    dialog.showModal();
    (dialog.querySelector("[autofocus]") ?? dialog.querySelector("input, button, a[href]"))?.focus();
  });

const isOutside = (node, { clientX: x, clientY: y }) => {
  const box = node.getBoundingClientRect();
  return x < box.left || x > box.right || y < box.top || y > box.bottom;
};

/** Asks before something is done; `true` when it shall be. */
export const confirm = ({ title, text, action, isDanger = true }) =>
  openDialog({
    label: title,
    className: "dialog-confirm",
    build: (close) => [
      el("h2", title),
      el("p", text),
      el(
        "div",
        { class: "dialog-actions" },
        el("button.button.button-bare", { onclick: () => close(false) }, "Cancel"),
        el("button", { class: `button${isDanger ? " button-danger" : " button-main"}`, autofocus: true, onclick: () => close(true) }, action),
      ),
    ],
  });

/**
 * A popover below a button. `build(close)` gives its content anew each time. Closes on Escape, a
 * press outside, and when the page changes.
 */
export const popover = (button, { label, className = "", build }) => {
  let panel = null;
  const close = (isReturning = true) => {
    if (!panel) return;
    panel.remove();
    panel = null;
    button.setAttribute("aria-expanded", "false");
    removeEventListener("pointerdown", outside, true);
    removeEventListener("keydown", escape, true);
    if (isReturning) button.focus();
  };
  const outside = ({ target }) => !panel.contains(target) && !button.contains(target) && close(false);
  const escape = (event) => {
    if (event.key === "Escape") {
      event.stopPropagation();
      close();
    }
    if (event.key === "Tab") keepIn(panel, event);
  };
  const open = () => {
    panel = el("div", { class: `popover ${className}`, role: "dialog", "aria-label": label, tabindex: "-1" }, build(close));
    button.after(panel);
    button.setAttribute("aria-expanded", "true");
    addEventListener("pointerdown", outside, true);
    addEventListener("keydown", escape, true);
    (panel.querySelector("input, select, button, a[href]") ?? panel).focus();
  };
  button.setAttribute("aria-haspopup", "dialog");
  button.setAttribute("aria-expanded", "false");
  button.addEventListener("click", () => (panel ? close() : open()));
  return { close, get isOpen() { return panel !== null; }, get panel() { return panel; } };
};

const keepIn = (panel, event) => {
  const stops = [...panel.querySelectorAll("a[href], button:not(:disabled), input:not(:disabled), select")].filter((stop) => stop.offsetParent);
  if (!stops.length) return;
  const edge = event.shiftKey ? stops[0] : stops.at(-1);
  if (document.activeElement !== edge && panel.contains(document.activeElement)) return;
  event.preventDefault();
  (event.shiftKey ? stops.at(-1) : stops[0]).focus();
};
