// Dialogs and popovers: focus moves in, stays in, and returns; Escape closes.

import { el, fill, set } from "../dom.js";

/**
 * Opens a modal dialog with this content; resolves with what `close` was given, or null. The
 * content is made by `build(close)`.
 */
export const openDialog = ({ label, className = "", build, place = () => {} }) =>
  new Promise((resolve) => {
    const dialog = el("dialog.dialog", { class: className, "aria-label": label });
    const close = (result = null) => {
      if (!dialog.isConnected) return;
      // The browser gives the focus back.
      dialog.close();
      dialog.remove();
      resolve(result);
    };
    dialog.addEventListener("cancel", (event) => {
      event.preventDefault();
      close();
    });
    // A press on the backdrop has the dialog itself as target.
    dialog.addEventListener("pointerdown", (event) => event.target === dialog && isOutside(dialog, event) && close());
    fill(dialog, build(close));
    document.body.append(dialog);
    place(dialog);
    dialog.showModal();
    (dialog.querySelector("[autofocus]") ?? dialog.querySelector("input, select, button, a[href]"))?.focus();
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
 * A dialog that opens below its button, at one of its edges. `build(close)` makes its content;
 * `closed` hears that it has gone.
 */
export const popover = (button, { label, className, build, closed }) => {
  let close = () => {};
  set(button, "aria-haspopup", "dialog");
  button.addEventListener("click", () => openDialog({
    label,
    className: `popover ${className}`,
    place: (dialog) => {
      const { bottom, left, right } = button.getBoundingClientRect();
      dialog.style.setProperty("--top", `${bottom + 4}px`);
      dialog.style.setProperty("--left", `${left}px`);
      dialog.style.setProperty("--right", `${document.documentElement.clientWidth - right}px`);
    },
    build: (end) => build(close = end),
  }).then(closed));
  return { close: () => close() };
};
