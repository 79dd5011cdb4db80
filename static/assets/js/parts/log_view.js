// The log of a run: its lines as they are stored or as they come. Numbers here count from 0, as
// the daemon's do; what people see counts from 1.

import { plain } from "../ansi.js";
import { ofRun } from "../api.js";
import { onZone, zone } from "../clock.js";
import { el, fill, isTyping, say, set } from "../dom.js";
import { bytes, clock, grouped, millis, plural } from "../format.js";
import { logLines } from "../log_lines.js";
import { outcomeOf, word } from "../marks.js";
import { keep, onSetting, setting } from "../settings.js";
import { all, signal } from "../signal.js";
import { logBar } from "./log_bar.js";
import { logCopy } from "./log_copy.js";
import { logFind } from "./log_find.js";
import { logRows } from "./log_rows.js";
import { logSource } from "./log_source.js";
import { logState } from "./log_state.js";

// Nearer to an end of what is loaded than this, more is loaded.
const NEAR = 200;
const HIGHLIGHT_MS = 4000;
const NEXT_TIMES = { off: "time", time: "offset", offset: "off" };
const PASSES = { all: null, stderr: (line) => line.stream === "stderr" || line.gap > 0 };

export const logView = ({ run, line = null, announce, onLine = () => {} }) => {
  const lines = logLines();
  const changes = signal();
  let filter = "all";
  let isAloud = false;
  let isFollowing = line === null;
  // How many lines there were when following ended.
  let seenTotal = 0;
  let target = null;
  let wanted = null;
  let fade;
  let lastError = null;
  let lastTop = 0;
  let frame = 0;
  let isDestroyed = false;

  const times = () => setting("log-time", "off");
  const isWrapped = () => setting("log-wrap", "off") === "on";

  const body = el("div", { class: "log-body", tabindex: "0", role: "log", "aria-live": "off", "aria-label": `Log of ${run.task_name}` });
  const head = el("button", { class: "log-edge", type: "button", hidden: true, onclick: () => source.older() });
  const tail = el("button", { class: "log-edge", type: "button", hidden: true, onclick: () => (source.hasNewer ? source.newer() : source.retry()) });
  const state = logState({ retry: () => source.retry() });
  const jump = el("button", { class: "log-jump", type: "button", hidden: true, onclick: () => toEnd() });
  const foot = { total: el("span"), shown: el("span", { class: "log-shown" }), end: el("span", { class: "end", role: "status" }) };

  const source = logSource({
    run,
    lines,
    hear: {
      isAtEnd: () => isFollowing,
      wake: () => (document.hidden ? settle() : schedule()),
      changed: () => schedule(),
      reset: () => {
        rows.rebuild();
        find.restart();
        settleAt();
        schedule();
      },
      appended: (count) => {
        rows.appended(count);
        trim();
        schedule();
      },
      prepended: (add) => {
        rows.anchored(() => rows.prepended(add()));
        rows.anchored(() => rows.pop(lines.trimEnd()));
        schedule();
      },
    },
  });

  const dress = (row) => ({
    time: times() === "off" ? null : timeOf(row.ts),
    query: find.query,
    isTarget: row.n === target,
    isCurrent: row.n === find.current,
  });
  const rows = logRows({ body, lines, dress, isWrapped });
  const find = logFind({
    lines,
    go: (n) => {
      setFollow(false);
      rows.refresh();
      reveal(n);
    },
    changed: () => {
      rows.refresh();
      schedule();
    },
    nearest: () => lines.rows[rows.seen()[0]]?.n ?? 0,
  });
  const copying = logCopy({ body, holder: rows.holder, lines, keep: rows.keep });
  const bar = logBar({
    find: find.element,
    raw: ofRun(run, "/log/raw?download=1"),
    onFilter: (name) => {
      if (name === filter) return;
      filter = name;
      rows.anchored(() => {
        lines.filter(PASSES[name]);
        rows.rebuild();
      });
      find.restart();
      schedule();
    },
    onTime: () => keep("log-time", NEXT_TIMES[times()]),
    onWrap: () => keep("log-wrap", isWrapped() ? "off" : "on"),
    onAnnounce: () => {
      isAloud = !isAloud;
      schedule();
    },
    onFind: () => focusFind(),
  });

  fill(body, head, rows.element, tail, state.element);
  const element = el("section", { class: "log" }, bar.element, el("div", { class: "log-pane" }, body, jump), el("div", { class: "log-foot" }, Object.values(foot)));

  const timeOf = (ts) => {
    if (!ts) return "";
    if (times() === "time") return clock(ts, zone());
    const seconds = Math.max(0, Math.floor((ts - millis(source.run.start_at ?? source.run.created_at)) / 1000));
    const two = (number) => String(number).padStart(2, "0");
    const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
    return hours ? `+${hours}:${two(minutes)}:${two(seconds % 60)}` : `+${minutes}:${two(seconds % 60)}`;
  };

  const schedule = () => {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      if (!isDestroyed) show();
    });
  };

  // The lines that have come since the last frame go into the window.
  const settle = () => {
    const batch = source.take();
    for (let at = batch.length - 1; at >= 0; at -= 1) {
      const { n, stream, text } = batch[at];
      if (stream === "stderr" && plain(text).trim()) return note(n, text);
    }
  };

  const note = (n, text) => {
    if (!lastError || n > lastError.n) lastError = { n, text };
  };

  // Of lines that were loaded: the last error among them, if none is known behind it.
  const noteLoaded = () => {
    for (let at = lines.rows.length - 1; at >= 0 && lines.errors; at -= 1) {
      const { n, stream, text } = lines.rows[at];
      if (lastError && n <= lastError.n) return;
      if (stream === "stderr" && plain(text).trim()) return note(n, text);
    }
  };

  const trim = () => {
    const isLow = isFollowing || rows.seen()[0] > lines.rows.length / 2;
    if (isLow) rows.anchored(() => rows.shift(lines.trimStart()));
    else rows.pop(lines.trimEnd());
  };

  const show = () => {
    settle();
    edges();
    state.update({ source, lines, filter });
    const isMore = rows.render(isFollowing) | find.sync();
    lastTop = body.scrollTop;
    tell();
    if (isMore) schedule();
  };

  const edges = () => {
    const { available, total, busy, failure, outcome, live } = source;
    const earlier = lines.first;
    const isBare = lines.isEmpty;
    const above =
      isBare || earlier === 0 ? ""
      : failure.older ? `Earlier lines could not be loaded: ${failure.older.message}. Retry`
      : source.hasOlder ? (busy.older ? "Loading earlier lines…" : plural(earlier, "earlier line"))
      : `${plural(earlier, "earlier line")} dropped (log rotated)`;
    const below =
      isBare && live !== "interrupted" ? ""
      : failure.newer ? `Later lines could not be loaded: ${failure.newer.message}. Retry`
      : source.hasNewer ? (busy.newer ? "Loading later lines…" : plural(total - lines.next, "later line"))
      : live === "interrupted" ? "Live stream interrupted, resuming"
      : outcome ? ending(outcome, total) : "";
    edge(head, above, source.hasOlder);
    edge(tail, source.phase === "ready" ? below : "", source.hasNewer || live === "interrupted");
  };

  const edge = (node, text, isActive) => {
    if (node.hidden === !text && node.textContent === text) return;
    const change = () => {
      node.hidden = !text;
      node.disabled = !isActive;
      fill(node, el("span", {}, text));
    };
    if (node === head && node.hidden !== !text) rows.anchored(change);
    else change();
  };

  const tell = () => {
    const { total, phase, live, outcome } = source;
    const [from, to] = rows.seen();
    const list = lines.rows;
    const isAtEnd = isFollowing || isDown();
    bar.update({ filter, errors: lines.errors, times: times(), isWrapped: isWrapped(), isAloud });
    set(body, "aria-live", isAloud && isFollowing ? "polite" : "off");
    const isWhole = !lines.isEmpty && !source.hasOlder && !source.hasNewer && lines.first === 0;
    say(foot.total, phase === "ready" ? plural(total, "line") + (isWhole ? `, ${bytes(lines.size + total)}` : "") : "");
    say(foot.shown, !list.length ? ""
      : find.query && source.hasOlder ? "earlier lines are not loaded, so not searched"
      : find.query && source.hasNewer ? "later lines are not loaded, so not searched"
      : `lines ${grouped(list[from].n + 1)}–${grouped(list[to].n + 1)} shown`);
    say(foot.end, phase !== "ready" ? "" : isFollowing && !outcome && live !== "none" ? "following" : isAtEnd && list.length && !source.hasNewer ? "at the end" : "");
    const fresh = isFollowing ? 0 : total - seenTotal;
    if (!isFollowing && !seenTotal) seenTotal = total;
    jump.hidden = isAtEnd || !list.length;
    say(jump, fresh > 0 && !outcome ? `Jump to end, ${plural(fresh, "new line")}` : "Jump to end");
    noteLoaded();
    const now = `${lastError?.n} ${total} ${phase}`;
    if (now !== told) {
      told = now;
      changes.emit();
    }
  };
  let told = "";

  const isDown = () => !source.hasNewer && body.scrollTop + body.clientHeight >= body.scrollHeight - 4;

  const setFollow = (on) => {
    if (isFollowing === on) return;
    isFollowing = on;
    seenTotal = source.total;
    schedule();
  };

  // After other lines have been loaded: to the line that was asked for, or to the end.
  const settleAt = () => {
    if (wanted === null) return;
    const n = wanted;
    wanted = null;
    reveal(n);
  };

  const reveal = (n) => {
    rows.render(false);
    rows.show(n);
    rows.render(false);
    // With wrapped lines the first look was at a guess.
    if (isWrapped()) rows.show(n);
    const mark = rows.holder.querySelector(".line-found mark");
    if (mark) mark.scrollIntoView({ block: "nearest", inline: "nearest" });
    else body.scrollLeft = 0;
    lastTop = body.scrollTop;
    schedule();
  };

  const highlight = (n) => {
    clearTimeout(fade);
    const before = target;
    target = n;
    if (before !== null) rows.touch(before);
    if (n === null) return;
    rows.touch(n);
    fade = setTimeout(highlight, HIGHLIGHT_MS, null);
  };

  const goTo = (n, { highlight: isHighlit = true } = {}) => {
    setFollow(false);
    if (isHighlit) highlight(n);
    if (!lines.isEmpty && n >= lines.first && n < lines.next) return reveal(n);
    wanted = n;
    source.around(n);
  };

  const toStart = () => {
    setFollow(false);
    if (source.hasOlder) {
      wanted = source.available;
      source.around(source.available);
      return;
    }
    body.scrollTop = 0;
    schedule();
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

  body.addEventListener("scroll", () => {
    const top = body.scrollTop;
    if (top < lastTop - 1) setFollow(false);
    else if (top > lastTop + 1 && isDown()) setFollow(true);
    lastTop = top;
    // With a filter a page may add no row at all: then only who goes to the very end gets more.
    const near = filter === "all" ? NEAR : 5;
    const [from, to] = rows.seen();
    if (source.hasOlder && from < near && !source.failure.older && !isFollowing) source.older();
    if (source.hasNewer && lines.rows.length - to < near && !source.failure.newer) source.newer();
    schedule();
  }, { passive: true });
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
    const isCommand = event.ctrlKey || event.metaKey;
    let act = null;
    if (isCommand && event.key === "f" && !event.shiftKey) act = focusFind;
    else if (isCommand && event.key === "a" && event.target === body) act = copying.selectAll;
    else if (!isCommand && !event.altKey && !isTyping(event.target)) act = event.key === "Escape" && find.query ? find.clear : KEYS[event.key];
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
  size.observe(body);
  const forget = all(
    onZone(() => rows.refresh() || schedule()),
    onSetting((name) => {
      if (name === "log-wrap") rows.rewrap();
      if (name === "log-time") {
        body.classList.toggle("has-times", times() !== "off");
        rows.refresh();
        rows.remeasure();
      }
      schedule();
    }),
  );
  body.classList.toggle("has-times", times() !== "off");
  body.classList.toggle("is-wrapped", isWrapped());

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
    lastError: () => lastError && { n: lastError.n, text: plain(lastError.text).trim() },
    onChange: changes.on,
    destroy() {
      isDestroyed = true;
      cancelAnimationFrame(frame);
      clearTimeout(fade);
      state.destroy();
      source.close();
      size.disconnect();
      copying.destroy();
      forget();
    },
  };
};

// `failed, exit 1, 403 lines`
const ending = (run, total) => {
  const outcome = outcomeOf(run);
  const exit = run.exit_code > 0 && outcome !== "success" ? `, exit ${run.exit_code}` : "";
  return `${word(outcome)}${exit}, ${plural(total, "line")}`;
};
