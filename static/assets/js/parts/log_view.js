// The log of a run: its lines as they are stored or as they come. Numbers here count from 0, as
// the daemon's do; what people see counts from 1.

import { plain } from "../ansi.js";
import { ofRun } from "../api.js";
import { onZone, zone } from "../clock.js";
import { el, fill, isTyping, set } from "../dom.js";
import { clock, millis } from "../format.js";
import { logLines } from "../log_lines.js";
import { keep, onSetting, setting } from "../settings.js";
import { all, signal } from "../signal.js";
import { logBar } from "./log_bar.js";
import { logCopy } from "./log_copy.js";
import { logEdges } from "./log_edges.js";
import { logFind } from "./log_find.js";
import { logRows } from "./log_rows.js";
import { logSource } from "./log_source.js";
import { logState } from "./log_state.js";

// Nearer to an end of what is loaded than this, more is loaded.
const NEAR = 200;
const HIGHLIGHT_MS = 4000;
const NEXT_TIMES = { off: "time", time: "offset", offset: "off" };
const PASSES = { all: null, stderr: (line) => line.stream === "stderr" || line.gap > 0 };

/**
 * `line`: the line to begin at, else the end; `onLine(n)`: its number was clicked;
 * `announce(text)`: says something to those who do not see.
 */
export const logView = ({ run, line = null, announce, onLine = () => {} }) => {
  const lines = logLines();
  const changes = signal();
  let filter = "all";
  let isAloud = false;
  let isFollowing = line === null;
  // How many lines there were when following ended.
  let seenTotal = 0;
  // The line that is highlighted, and the one to go to when it is loaded.
  let target = null;
  let wanted = null;
  let fade;
  // Where the view was when it was last looked at: what is less was scrolled by somebody.
  let lastTop = 0;
  let frame = 0;
  let told = "";

  const times = () => setting("log-time", "off");
  const isWrapped = () => setting("log-wrap", "off") === "on";
  const body = el("div.log-body", { tabindex: "0", role: "log", "aria-live": "off", "aria-label": `Log of ${run.task_name}` });

  const schedule = () => {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      show();
    });
  };

  const source = logSource({
    run,
    lines,
    hear: {
      isAtEnd: () => isFollowing,
      // Without anybody who sees it there are no frames.
      wake: () => (document.hidden ? source.take() : schedule()),
      changed: schedule,
      reset() {
        rows.rebuild();
        find.restart();
        if (wanted !== null) reveal(wanted);
        wanted = null;
        schedule();
      },
      appended(count) {
        rows.appended(count);
        const isLow = isFollowing || rows.seen()[0] > lines.rows.length / 2;
        if (isLow) rows.anchored(() => rows.shift(lines.trimStart()));
        else rows.pop(lines.trimEnd());
        schedule();
      },
      prepended(add) {
        rows.anchored(() => rows.prepended(add()));
        rows.pop(lines.trimEnd());
        schedule();
      },
    },
  });

  const rows = logRows({
    body,
    lines,
    isWrapped,
    dress: (row) => ({
      time: times() === "off" ? null : timeOf(row.ts),
      query: find.query,
      isTarget: row.n === target,
      isCurrent: row.n === find.current,
    }),
  });

  const find = logFind({
    lines,
    go(n) {
      setFollow(false);
      rows.refresh();
      reveal(n);
    },
    changed() {
      rows.refresh();
      schedule();
    },
    nearest: () => lines.rows[rows.seen()[0]]?.n ?? 0,
  });

  const bar = logBar({
    find: find.element,
    raw: ofRun(run, "/log/raw?download=1"),
    onFilter: (name) => setFilter(name),
    onTime: () => keep("log-time", NEXT_TIMES[times()]),
    onWrap: () => keep("log-wrap", isWrapped() ? "off" : "on"),
    onAnnounce() {
      isAloud = !isAloud;
      schedule();
    },
    onFind: () => focusFind(),
  });

  const copying = logCopy({ body, holder: rows.holder, lines, keep: rows.keep });
  const state = logState({ retry: source.retry });
  const edges = logEdges({ source, lines, anchored: rows.anchored, announce, toEnd: () => toEnd() });
  fill(body, edges.head, rows.element, edges.tail, state.element);
  const element = el("section.log", bar.element, el("div.log-pane", body, edges.jump), edges.foot);

  const timeOf = (ts) => {
    if (!ts) return "";
    if (times() === "time") return clock(ts, zone());
    const seconds = Math.max(0, Math.floor((ts - millis(source.run.start_at ?? source.run.created_at)) / 1000));
    const two = (number) => String(number % 60).padStart(2, "0");
    const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60)];
    return hours ? `+${hours}:${two(minutes)}:${two(seconds)}` : `+${minutes}:${two(seconds)}`;
  };

  const show = () => {
    source.take();
    // Whoever follows wants the end, and few lines that are long are not all there is to see.
    if (isFollowing && source.hasNewer && !source.failure.newer) source.newer();
    if (filter === "all" && lines.rows.length < NEAR && lines.hasRoom) load("older");
    edges.update();
    rows.reserve(String(source.total).length);
    state.update({ source, lines, filter });
    const isMore = [rows.render(isFollowing), find.sync()].includes(true);
    lastTop = body.scrollTop;
    if (!isFollowing) seenTotal ||= source.total;
    edges.tell({ seen: rows.seen(), isFollowing, isAtEnd: isDown(), fresh: source.total - seenTotal, isFinding: find.query });
    bar.update({ filter, errors: lines.errors, times: times(), isWrapped: isWrapped(), isAloud });
    set(body, "aria-live", isAloud && isFollowing ? "polite" : "off");
    const now = `${source.lastError?.n} ${source.total} ${source.phase}`;
    if (now !== told) changes.emit();
    told = now;
    if (isMore) schedule();
  };

  const load = (side) => {
    const isThere = side === "older" ? source.hasOlder : source.hasNewer;
    if (isThere && !source.failure[side]) source[side]();
  };

  const isDown = () => !source.hasNewer && body.scrollTop + body.clientHeight >= body.scrollHeight - 4;

  const setFollow = (on) => {
    if (isFollowing === on) return;
    isFollowing = on;
    seenTotal = source.total;
    schedule();
  };

  const setFilter = (name) => {
    filter = name;
    rows.anchored(() => {
      lines.filter(PASSES[name]);
      rows.rebuild();
    });
    find.restart();
    schedule();
  };

  const reveal = (n) => {
    // The first look at wrapped lines is at a guess; then they are measured.
    rows.render(false);
    for (let look = 0; look < 2 && rows.show(n); look += 1) {
      body.scrollLeft = 0;
      rows.render(false);
    }
    rows.holder.querySelector(".line-found mark")?.scrollIntoView({ block: "nearest", inline: "nearest" });
    lastTop = body.scrollTop;
    schedule();
  };

  const highlight = (n) => {
    clearTimeout(fade);
    const before = target;
    target = n;
    rows.touch(before);
    rows.touch(n);
    if (n !== null) fade = setTimeout(highlight, HIGHLIGHT_MS, null);
  };

  const around = (n) => {
    wanted = n;
    source.around(n);
  };

  const goTo = (n, { highlight: isHighlit = true } = {}) => {
    setFollow(false);
    if (isHighlit) highlight(n);
    if (filter !== "all" && lines.rows[lines.indexOf(n)]?.n !== n) setFilter("all");
    if (!lines.isEmpty && n >= lines.first && n < lines.next) reveal(n);
    else around(n);
  };

  const toStart = () => {
    setFollow(false);
    if (source.hasOlder) return around(source.available);
    body.scrollTop = 0;
  };

  const toEnd = () => {
    setFollow(true);
    if (source.hasNewer) source.tail();
    schedule();
  };

  const toggleFollow = () => (isFollowing ? setFollow(false) : toEnd());

  const focusFind = () => {
    bar.element.classList.add("is-finding");
    find.focus();
  };

  const onScroll = () => {
    const top = body.scrollTop;
    if (top < lastTop - 1) setFollow(false);
    else if (top > lastTop + 1 && isDown()) setFollow(true);
    lastTop = top;
    // With a filter a page may bring no row at all: then only who goes to the very end gets more.
    const near = filter === "all" ? Math.min(NEAR, lines.rows.length / 4) : 5;
    const [from, to] = rows.seen();
    if (from < near && !isFollowing) load("older");
    if (lines.rows.length - to < near) load("newer");
    schedule();
  };

  body.addEventListener("scroll", onScroll, { passive: true });
  // The first pixels of a smooth movement are not away from the end yet.
  body.addEventListener("wheel", ({ deltaY }) => deltaY < 0 && body.scrollTop > 0 && setFollow(false), { passive: true });

  rows.holder.addEventListener("click", (event) => {
    const number = event.target.closest(".line-number");
    if (!number || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const n = Number(number.parentElement.dataset.n);
    highlight(n);
    onLine(n);
  });

  const KEYS = { f: toggleFollow, Home: toStart, End: toEnd };
  element.addEventListener("keydown", (event) => {
    const { key, target: at } = event;
    const isCommand = event.ctrlKey || event.metaKey;
    let act;
    if (isCommand) act = { f: focusFind, a: at === body && copying.selectAll }[key];
    else if (event.altKey || isTyping(at)) return;
    else if (key === "ArrowUp" || key === "PageUp") setFollow(false);
    else act = key === "Escape" && find.query ? find.clear : KEYS[key];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  });

  const size = new ResizeObserver(() => {
    rows.remeasure();
    // A larger box has been scrolled by the browser, not by a person.
    lastTop = body.scrollTop;
    schedule();
  });
  const dressUp = () => {
    body.classList.toggle("has-times", times() !== "off");
    rows.restyle();
    schedule();
  };
  const forget = all(onZone(dressUp), onSetting((name) => name.startsWith("log-") && dressUp()));
  dressUp();
  size.observe(body);

  if (line !== null) {
    wanted = line;
    highlight(line);
  }
  source.start(line);

  return {
    element,
    update: source.update,
    goTo,
    toStart,
    toEnd,
    toggleFollow,
    focusFind,
    lastError: () => source.lastError && { n: source.lastError.n, text: plain(source.lastError.text).trim() },
    onChange: changes.on,
    destroy() {
      cancelAnimationFrame(frame);
      frame = -1;
      clearTimeout(fade);
      state.destroy();
      source.close();
      size.disconnect();
      copying.destroy();
      forget();
    },
  };
};
