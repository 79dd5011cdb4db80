// Has the daemon read its configuration again, or say what that would come to.

import { post } from "../api.js";
import { flaws, rows, totals } from "../difference.js";
import { el } from "../dom.js";
import { plural } from "../format.js";
import { store } from "../store.js";
import { action } from "./action.js";
import { openDialog } from "./dialog.js";
import { done } from "./toast.js";

const tell = (title, content, act) => openDialog({
  label: title, className: "dialog-wide",
  build: (close) => [el("h2", title), content,
    el("div.dialog-actions", el("button.button.button-bare", { onclick: () => close() }, "Close"), act?.(close))],
});

/** What a file that cannot be read says, each on a line of its own; anything else is thrown. */
const ask = async (query = "") => {
  try {
    return await post(`/api/reload${query}`);
  } catch (error) {
    if (error.status !== 422) throw error;
    const list = flaws(error);
    tell(`${plural(list.length, "error")} in the configuration`, [
      el("p", "It was not reloaded: the daemon goes on with what it has."),
      el("ul.changes", { tabindex: 0 }, list.map((text) => el("li", text))),
    ]);
    return null;
  }
};

const reload = async () => {
  const difference = await ask();
  if (!difference) return;
  done(totals(difference) || "No task has changed", difference.notes.join("\n"));
  store.refresh();
};

const preview = async () => {
  const difference = await ask("?dry_run=true");
  if (!difference) return;
  const list = rows(difference);
  tell("What a reload would change", [
    el("p", totals(difference) || "No task would change."),
    list.length > 0 && el("ul.changes", { tabindex: 0 }, list.map(({ sign, word, name, about }) =>
      el("li", el("span.quiet", { title: word }, sign), el("span", el("b", name), about && ` ${about}`)))),
    difference.notes.map((note) => el("p", note)),
  ], (close) => reloadButton({ isMain: true, after: close }));
};

export const reloadButton = ({ name = "Reload", isMain, after }) => action({
  name, busy: "Reloading", glyph: "reload", className: isMain ? "button-main" : "", refused: "Not reloaded",
  act: async () => {
    // What comes of it is not said behind a dialog.
    after?.();
    await reload();
  },
});

export const previewButton = () => action({ name: "What would change?", busy: "Reading", className: "button-bare", refused: "The configuration was not read", act: preview });
