// Picked runs and what is done with all of them: run again, cancel, delete with undo.

import { post } from "../api.js";
import { el, fill } from "../dom.js";
import { grouped, plural } from "../format.js";
import { action } from "./action.js";
import { confirm } from "./dialog.js";
import { done, failed, undoable } from "./toast.js";

/** More than this is asked about first. */
const MANY = 20;

/** Deletes runs of a selector, with a way back. Gives the number. */
export const deleteRuns = async (selector, what) => {
  const { affected, skipped } = await post("/api/runs/bulk/delete", selector);
  const rest = skipped ? `${plural(skipped, "run")} still active, not deleted` : undefined;
  undoable(`Deleted ${what ?? plural(affected, "run")}`, rest, async () => {
    try {
      const back = await post("/api/runs/bulk/restore", selector);
      if (back.affected < affected) failed("Not all came back", `${plural(back.affected, "run")} of ${grouped(affected)}`);
    } catch (error) {
      failed("The runs did not come back", error);
    }
  });
  return affected;
};

/** `shown()` gives the runs of the list, `total()` how many match, `filter()` that of the API. */
export const selection = ({ shown, total, filter, onChange }) => {
  let isOn = false;
  let isAll = false;
  // Of all: those that are not meant. Else: those that are.
  let ids = new Set();
  let last = null;

  const bar = el("div.bulk", { role: "region", "aria-label": "Selected runs", hidden: true });
  const count = () => (isAll ? total() - ids.size : ids.size);
  const selector = () => (isAll ? { match_all: true, filter: filter(), except_ids: [...ids] } : { ids: [...ids] });
  const has = (id) => ids.has(id) !== isAll;

  const toggle = (id, isRange) => {
    const list = shown().map((run) => run.id);
    const [from, to] = [list.indexOf(last), list.indexOf(id)].sort((a, b) => a - b);
    const between = isRange && from >= 0 ? list.slice(from, to + 1) : [id];
    const wanted = !has(id);
    for (const one of between) if (has(one) !== wanted) flip(one);
    last = id;
    draw();
  };
  const flip = (id) => ids.delete(id) || ids.add(id);

  const begin = (toAll) => {
    isAll = toAll;
    ids = new Set();
    last = null;
    draw();
  };
  const leave = () => {
    isOn = false;
    begin(false);
  };

  const sure = async (verb, text) => count() <= MANY || confirm({ title: `${verb} ${plural(count(), "run")}?`, text, action: verb });

  const rerun = async () => {
    if (!(await sure("Run again", "The task of each is started once more."))) return;
    const { triggered } = await post("/api/runs/bulk/rerun", selector());
    done(`Started ${plural(triggered.length, "run")}`, triggered.length < count() ? "Tasks that are gone or may not be started were passed over" : undefined);
    leave();
  };
  const cancel = async () => {
    if (!(await sure("Cancel", "What runs is stopped, what waits is dropped."))) return;
    const { affected } = await post("/api/runs/bulk/cancel", selector());
    done(affected ? `Cancelled ${plural(affected, "run")}` : "Nothing was running");
    leave();
  };
  const remove = async () => {
    if (!(await sure("Delete", "Rows and logs. You can undo it for a few seconds."))) return;
    await deleteRuns(selector());
    leave();
  };

  const draw = () => {
    bar.hidden = !isOn;
    const none = count() === 0;
    fill(bar, isOn && [
      el("b", none ? "Pick runs" : `${grouped(count())} picked`),
      el("button.button.button-bare", { onclick: () => begin(!isAll || ids.size > 0) }, isAll && !ids.size ? "Pick none" : `All ${grouped(total())} that match`),
      el("span.spacer"),
      action({ name: "Run again", busy: "Starting", glyph: "reload", disabled: none, refused: "Not started", act: rerun }),
      action({ name: "Cancel", busy: "Cancelling", glyph: "stop", disabled: none, refused: "Not cancelled", act: cancel }),
      action({ name: "Delete", busy: "Deleting", glyph: "trash", className: "button-danger", disabled: none, refused: "Not deleted", act: remove }),
      el("button.button.button-bare", { onclick: leave }, "Done"),
    ]);
    onChange();
  };

  return {
    bar,
    get isOn() { return isOn; },
    has,
    toggle,
    start() {
      isOn = true;
      begin(false);
    },
    leave: () => isOn && leave(),
    draw: () => isOn && draw(),
  };
};
