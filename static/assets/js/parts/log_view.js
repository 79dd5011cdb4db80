// The log of a run: its lines as they are stored or as they come. Numbers here count from 0, as
// the daemon's do; what people see counts from 1.

import { plain } from "../ansi.js";
import { ofRun } from "../api.js";
import { onZone, zone } from "../clock.js";
import { el, fill, say, set } from "../dom.js";
import { clock, millis } from "../format.js";
import { logLines } from "../log_lines.js";
import { icon } from "../marks.js";
import { keep, onSetting, setting } from "../settings.js";
import { all } from "../signal.js";
import { logFind } from "./log_find.js";
import { logNotes } from "./log_notes.js";
import { logRows } from "./log_rows.js";
import { logSource } from "./log_source.js";

// Nearer to an end of what is loaded than this, more is loaded.
const NEAR = 200;
const HIGHLIGHT_MS = 4000;
const NEXT_TIMES = { off: "time", time: "offset", offset: "off" };

/** `line`: the line to begin at, else the end; `onLine(n)`: its number was clicked. */
export const logView = ({ run, line = null, onLine }) => {
  const lines = logLines();
  const look = { isWrapped: false, query: null, target: null, found: null };
  let times;
  let onlyErrors = false;
  let isAloud = false;
  let isFollowing = line === null;
  // How many lines there were when following ended.
  let seenTotal = 0;
  // The line to go to as soon as it is here.
  let wanted = null;
  let fade;
  // Where the view was when it was last looked at: what is less was scrolled by somebody.
  let lastTop = 0;
  let frame = 0;
  let hearError = () => {};
  let toldError = null;

  const schedule = () => {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      show();
    });
  };

  // What goes, goes from the end that is farther from what is seen.
  const take = () => {
    source.take();
    lines.trim(isFollowing || rows.seen()[0] > lines.rows.length / 2);
  };

  const timeOf = ({ ts }) => {
    if (times === "off") return "";
    if (times === "time") return clock(ts, zone());
    const passed = Math.max(0, ts - millis(source.run.start_at ?? source.run.created_at));
    return `+${Math.floor(passed / 3_600_000)}${new Date(passed).toISOString().slice(13, 19)}`;
  };

  const body = el("div.log-body", { tabindex: "0", role: "log", "aria-label": `Log of ${run.task_name}` });
  const rows = logRows({ body, lines, look, timeOf });
  const source = logSource({
    run, lines,
    isAtEnd: () => isFollowing,
    changed() {
      // Without anybody who sees it there are no frames.
      if (document.hidden) take();
      schedule();
    },
  });
  const find = logFind({
    lines,
    go: (n) => goTo(n, { highlight: false }),
    changed: () => dress(),
    nearest: () => lines.rows[rows.seen()[0]]?.n ?? 0,
  });
  const notes = logNotes({ source, lines, toEnd: () => toEnd() });

  const tool = (name, title, onclick, ...more) => el("button.button.button-bare", { title, onclick }, ...more, el("span", name));
  const everything = tool("all", null, () => setFilter(false));
  const errors = tool("stderr", "Only lines of stderr", () => setFilter(true));
  const time = tool("time", "Times: by the clock, since the start, none", () => keep("log-time", NEXT_TIMES[times]));
  const wrap = tool("wrap", "Wrap long lines", () => keep("log-wrap", look.isWrapped ? "off" : "on"), icon("wrap"));
  const aloud = tool("announce", "Have a screen reader say new lines", () => {
    isAloud = !isAloud;
    schedule();
  });
  time.classList.add("only-wide");
  aloud.classList.add("only-wide");
  const bar = el("div.log-bar", { role: "toolbar", "aria-label": "Log" },
    everything, errors, time, wrap, aloud, find.element,
    el("a.button.button-bare.log-download", { href: ofRun(run, "/log/raw?download=1"), download: "", title: "Download log" }, icon("down"), el("span", "Download log")));
  fill(body, notes.head, rows.element, notes.tail, notes.state);
  const element = el("section.log", bar, el("div.log-pane", body, notes.jump), notes.foot);

  const press = (button, isPressed) => set(button, "aria-pressed", String(isPressed));

  const show = () => {
    body.style.setProperty("--digits", String(source.total).length);
    rows.anchored(() => {
      take();
      notes.update();
    });
    // Whoever follows wants the end, and few lines that are long are not all there is to see.
    if (isFollowing) load("newer");
    if (!onlyErrors && lines.rows.length < NEAR && lines.hasRoom) load("older");
    const isThere = wanted !== null && !source.busy.window;
    const isMoved = isThere && rows.show(wanted);
    look.found = find.current;
    const isMore = [rows.render(isFollowing), find.sync(), isMoved].includes(true);
    // The first look at wrapped lines is at a guess; then they are measured.
    if (isThere && !isMoved) {
      wanted = null;
      rows.element.querySelector(".line-found mark")?.scrollIntoView({ block: "nearest", inline: "nearest" });
    }
    lastTop = body.scrollTop;
    if (!isFollowing) seenTotal ||= source.total;
    notes.tell({ seen: rows.seen(), isFollowing, isAtEnd: isDown(), fresh: source.total - seenTotal, isFinding: find.query });
    press(everything, !onlyErrors);
    press(errors, onlyErrors);
    press(wrap, look.isWrapped);
    press(aloud, isAloud);
    press(time, times !== "off");
    say(time.lastChild, times === "offset" ? "+offset" : "time");
    set(body, "aria-live", isAloud && isFollowing ? "polite" : "off");
    if (toldError !== source.lastError) hearError();
    toldError = source.lastError;
    if (isMore) schedule();
  };

  const load = (side) => {
    const isThere = side === "older" ? source.hasOlder : source.hasNewer;
    if (isThere && !source.busy.window && !source.failure[side]) source[side]();
  };

  const isDown = () => !source.hasNewer && body.scrollTop + body.clientHeight >= body.scrollHeight - 4;

  const setFollow = (on) => {
    if (isFollowing === on) return;
    isFollowing = on;
    seenTotal = source.total;
    schedule();
  };

  const setFilter = (on) => {
    onlyErrors = on;
    lines.filter(on ? (row) => row.stream === "stderr" || row.gap > 0 : null);
    schedule();
  };

  const highlight = (n) => {
    clearTimeout(fade);
    look.target = n;
    if (n !== null) fade = setTimeout(highlight, HIGHLIGHT_MS, null);
    schedule();
  };

  const goTo = (n, { highlight: isHighlit = true } = {}) => {
    setFollow(false);
    if (isHighlit) highlight(n);
    wanted = n;
    if (lines.isEmpty || n < lines.first || n >= lines.next) source.around(n);
    else if (lines.rows[lines.indexOf(n)]?.n !== n) setFilter(false);
    schedule();
  };

  const toStart = () => goTo(source.available, { highlight: false });

  const toEnd = () => {
    setFollow(true);
    if (source.hasNewer) source.tail();
  };

  // Other times, other breaks, another text that is looked for.
  const dress = () => {
    times = setting("log-time", "off");
    look.isWrapped = setting("log-wrap", "off") === "on";
    look.query = find.query;
    body.classList.toggle("has-times", times !== "off");
    body.classList.toggle("is-wrapped", look.isWrapped);
    rows.rebuild();
    schedule();
  };

  const onScroll = () => {
    const top = body.scrollTop;
    // What a page puts in again begins at its top; a person does not get there in one step.
    if (top < lastTop - 1 && top > 0) setFollow(false);
    else if (top > lastTop + 1 && isDown()) setFollow(true);
    lastTop = top;
    // With a filter a page may bring no row at all: then only who goes to the very end gets more.
    const near = onlyErrors ? 5 : Math.min(NEAR, lines.rows.length / 4);
    const [from, to] = rows.seen();
    if (from < near && !isFollowing) load("older");
    if (lines.rows.length - to < near) load("newer");
    schedule();
  };
  body.addEventListener("scroll", onScroll, { passive: true });
  // The first pixels of a smooth movement are not away from the end yet.
  body.addEventListener("wheel", ({ deltaY }) => deltaY < 0 && body.scrollTop > 0 && setFollow(false), { passive: true });

  rows.element.addEventListener("click", (event) => {
    const number = event.target.closest(".line-number");
    if (!number || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const n = Number(number.parentElement.dataset.n);
    highlight(n);
    onLine(n);
  });

  // All other keys of the log are those of its page.
  element.addEventListener("keydown", (event) => {
    const isInBody = event.target === body;
    if (event.key === "Escape" && find.query) find.clear();
    else if (isInBody && event.key === "a" && (event.ctrlKey || event.metaKey)) rows.selectAll();
    else {
      if (isInBody && /^(ArrowUp|PageUp)$/.test(event.key)) setFollow(false);
      return;
    }
    event.preventDefault();
  });

  const size = new ResizeObserver(() => {
    // A larger box has been scrolled by the browser, not by a person.
    lastTop = body.scrollTop;
    schedule();
  });
  size.observe(body);
  const forget = all(onZone(dress), onSetting((name) => name.startsWith("log-") && dress()));
  dress();
  if (line === null || run.status === "pending") source.start();
  else goTo(line);

  return {
    element,
    update: source.update,
    goTo,
    toStart,
    toEnd,
    toggleFollow: () => (isFollowing ? setFollow(false) : toEnd()),
    focusFind: find.focus,
    lastError: () => source.lastError && { n: source.lastError.n, text: plain(source.lastError.text).trim() },
    onChange: (hear) => { hearError = hear; },
    destroy() {
      cancelAnimationFrame(frame);
      frame = -1;
      clearTimeout(fade);
      source.close();
      size.disconnect();
      forget();
    },
  };
};
