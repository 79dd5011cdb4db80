// docs: what a program wrote for a terminal, as it is shown in the log.

import assert from "node:assert/strict";
import { test } from "node:test";

import { pieces, plain } from "../../static/assets/js/ansi.js";

const names = (text) => pieces(text).map((piece) => [piece.text, piece.names]);
const look = (text) => pieces(text)[0];

test("text without sequences is one piece", () => {
  assert.deepEqual(names("a <b> & c"), [["a <b> & c", ""]]);
  assert.deepEqual(names(""), []);
});

test("styles become classes and end where they end", () => {
  for (const [text, wanted] of [
    ["\x1b[1;3;4;9mall\x1b[22;24mless", [["all", "bold italic under strike"], ["less", "italic strike"]]],
    ["\x1b[2mdim\x1b[22mnot", [["dim", "dim"], ["not", ""]]],
    ["\x1b[21mtwice\x1b[mreset", [["twice", "under"], ["reset", ""]]],
    ["\x1b[8msecret", [["secret", "dim"]]],
    ["\x1b[5;11;58mnothing\x1b[25m known", [["nothing known", ""]]],
  ]) assert.deepEqual(names(text), wanted, JSON.stringify(text));
});

test("colours of the palette and of the 256, and direct ones", () => {
  for (const [text, color, background] of [
    ["\x1b[31mx", "var(--ansi-1)"],
    ["\x1b[91mx", "var(--ansi-9)"],
    ["\x1b[31;39mx"],
    ["\x1b[38;5;9mx", "var(--ansi-9)"],
    ["\x1b[38;5;214mx", "rgb(255 175 0)"],
    ["\x1b[38;5;255mx", "rgb(238 238 238)"],
    ["\x1b[38;2;255;128;0mx", "rgb(255 128 0)"],
    ["\x1b[38;2;1;2;300mx"],
    ["\x1b[38mx"],
    ["\x1b[42mx", "var(--console)", "var(--ansi-2)"],
    ["\x1b[48;5;4mx", "var(--console)", "var(--ansi-4)"],
    ["\x1b[42;49mx"],
    ["\x1b[31;100mx", "var(--ansi-1)", "var(--console-line)"],
    ["\x1b[7mx", "var(--console)", "var(--ansi-7)"],
    ["\x1b[7;31mx", "var(--console)", "var(--ansi-1)"],
    ["\x1b[7;27mx"],
  ]) assert.deepEqual([look(text).color, look(text).background], [color, background], JSON.stringify(text));
  assert.deepEqual(names("\x1b[38;2;1;2;300;1mx"), [["x", "bold"]]);
  assert.deepEqual(names("\x1b[31ma\x1b[31mb"), [["ab", ""]]);
});

test("colours that are too dark are lightened, text on bright grounds is dark", () => {
  const [red, green, blue] = look("\x1b[38;2;0;0;80mx").color.match(/\d+/g).map(Number);
  assert.ok(blue > 150 && red > 90 && green > 90);
  assert.equal(look("\x1b[48;2;255;255;200mx").color, "var(--console)");
  assert.equal(look("\x1b[48;2;255;255;200;38;2;250;250;250mx").color, "var(--console)");
  assert.equal(look("\x1b[48;2;90;0;0mx").color, "var(--ansi-15)");
  assert.equal(look("\x1b[48;2;90;0;0mx").background, "rgb(90 0 0)");
});

test("text on any ground of the 256 can be read", () => {
  const light = (color) => {
    const [r, g, b] = color.match(/\d+/g).map((part) => (part <= 10 ? part / 3294.6 : ((part / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const inks = { "var(--console)": 0.0063, "var(--ansi-15)": 1, undefined: 0.69 };
  for (let index = 16; index < 256; index += 1) {
    const { color, background } = look(`\x1b[48;5;${index}mx`);
    const [one, other] = [inks[color], light(background)].sort((a, b) => b - a);
    assert.ok((one + 0.05) / (other + 0.05) >= 4.5, `${index}: ${color} on ${background}`);
  }
});

test("every other sequence goes", () => {
  for (const [text, wanted] of [
    ["\x1b[2J\x1b[1;1Hmoved\x1b[K", "moved"],
    ["\x1b]0;title\x07text", "text"],
    ["\x1b]8;;http://a\x1b\\link\x1b]8;;\x1b\\", "link"],
    ["\x1bPq#0\x07\x1b\\dcs", "dcs"],
    ["\x1b(Bcharset\x1b=\x1b7", "charset"],
    ["\x1b[>4;2mprivate\x1b[?25l", "private"],
    ["cut \x1b[31", "cut "],
    ["\x1b[4:3mcurly", "curly"],
  ]) assert.equal(plain(text), wanted, JSON.stringify(text));
});

test("pieces and plain text agree", () => {
  for (const text of ["\x1b]0;a\rb\x07shown", "x\x1b[31my\r\x00z\x1b[", "a\x1b[2Kb\rc\td\r\r", "\x1bPa\rb\x1b\\c"]) {
    assert.equal(pieces(text).map((piece) => piece.text).join(""), plain(text), JSON.stringify(text));
  }
  assert.equal(plain("kept \x1b]0;a\rb\x07shown"), "kept shown");
});

test("a string without its end keeps its text", () => {
  assert.equal(plain("a\x1b]0;never ends"), "a0;never ends");
});

test("control characters are pictures, marks of direction their number", () => {
  assert.deepEqual(names("a\x00\x08\x7fb"), [["a", ""], ["␀␈␡", "control"], ["b", ""]]);
  assert.equal(plain("\u202eevil\u2066\u0085"), "<U+202E>evil<U+2066><U+0085>");
  assert.equal(plain("tab\tstays"), "tab\tstays");
  assert.equal(plain("lone \x1b"), "lone ␛");
});

test("after a return only the last part is shown, in the colours of what was before", () => {
  assert.equal(plain("1%\r50%\r100%"), "100%");
  assert.equal(plain("100%\r\r"), "100%");
  assert.equal(plain("100%\r\x1b[K"), "100%");
  const [{ text, color }] = pieces("\x1b[32m1%\r2%");
  assert.deepEqual([text, color], ["2%", "var(--ansi-2)"]);
});

test("a line that never stops changing its look gives few pieces and all its text", () => {
  for (const [text, length] of [["\x1b[31ma\x1b[32mb".repeat(3000), 6000], ["a\x00".repeat(3000), 6000]]) {
    const list = pieces(text);
    assert.ok(list.length <= 501, `${list.length}`);
    assert.equal(list.reduce((sum, piece) => sum + piece.text.length, 0), length);
  }
});

test("hostile lines of 64 KiB cost no more than their length", () => {
  // A slow pattern would not get to the end of this at all.
  for (const part of ["\x1b]", "\x1bP", "\x1b[", "\x1b[1;", "1;", "\x1b[31m", "\r", "a\r", "\x00", "\x1b(", "\x1b[31ma\r"]) {
    const text = part.repeat(65536 / part.length);
    assert.ok(plain(`\x1b[${text}`).length <= text.length + 1);
    assert.ok(pieces(`${text}\x1b]`).length <= 501);
  }
});
