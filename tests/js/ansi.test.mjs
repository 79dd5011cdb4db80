// docs: what a program wrote for a terminal, as it is shown in the log.

import assert from "node:assert/strict";
import { test } from "node:test";

import { pieces, plain } from "../../static/assets/js/ansi.js";

const names = (text) => pieces(text).list.map((piece) => [piece.text, piece.names]);
const look = (text) => pieces(text).list[0];

test("text without sequences is one piece", () => {
  assert.deepEqual(names("a <b> & c"), [["a <b> & c", ""]]);
  assert.deepEqual(names(""), []);
});

test("colours and styles become classes and end where they end", () => {
  for (const [text, wanted] of [
    ["\x1b[31mred\x1b[0m rest", [["red", "a1"], [" rest", ""]]],
    ["\x1b[1;4;3;9mall\x1b[22;24mless", [["all", "bold italic under strike"], ["less", "italic strike"]]],
    ["\x1b[91mbright\x1b[39mnone", [["bright", "a9"], ["none", ""]]],
    ["\x1b[42mground\x1b[49mnone", [["ground", "b2 on-bright"], ["none", ""]]],
    ["\x1b[100mdark ground", [["dark ground", "b8"]]],
    ["\x1b[2mdim \x1b[32mgreen", [["dim ", "dim"], ["green", "a2 faint"]]],
    ["\x1b[7minverse\x1b[27m not", [["inverse", "inverse on-bright"], [" not", ""]]],
    ["\x1b[7;31minverse red", [["inverse red", "b1 on-bright"]]],
    ["\x1b[mreset", [["reset", ""]]],
    ["\x1b[4:3mcurly\x1b[4:0mno", [["curly", "under"], ["no", ""]]],
    ["\x1b[8msecret", [["secret", "dim"]]],
    ["\x1b[31ma\x1b[31mb", [["ab", "a1"]]],
    ["\u009b32mC1", [["C1", "a2"]]],
  ]) assert.deepEqual(names(text), wanted, JSON.stringify(text));
});

test("256 and direct colours, with semicolons and colons", () => {
  for (const [text, color] of [
    ["\x1b[38;2;255;128;0mx", "rgb(255 128 0)"],
    ["\x1b[38:2::255:128:0mx", "rgb(255 128 0)"],
    ["\x1b[38:2:255:128:0mx", "rgb(255 128 0)"],
    ["\x1b[38;5;214mx", "rgb(255 175 0)"],
    ["\x1b[38:5:214mx", "rgb(255 175 0)"],
    ["\x1b[38;5;255mx", "rgb(238 238 238)"],
  ]) assert.equal(look(text).color, color, JSON.stringify(text));
  assert.equal(look("\x1b[38;5;9mx").names, "a9");
  assert.equal(look("\x1b[48;5;4;1mx").names, "bold b4 on-bright");
  assert.equal(look("\x1b[38;2;1;2;300;1mx").color, undefined);
  assert.equal(look("\x1b[38mx").names, "");
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
    ["\u009d0;title\u009ctext", "text"],
  ]) assert.equal(plain(text), wanted, JSON.stringify(text));
});

test("pieces and plain text agree", () => {
  for (const text of ["\x1b]0;a\rb\x07shown", "x\x1b[31my\r\x00z\x1b[", "a\x1b[2Kb\rc\td\r\r", "\x1bPa\rb\x1b\\c"]) {
    assert.equal(pieces(text).list.map((piece) => piece.text).join(""), plain(text), JSON.stringify(text));
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
  assert.equal(plain("100%\r"), "100%");
  assert.deepEqual(names("\x1b[32m1%\r2%"), [["2%", "a2"]]);
});

test("long lines are cut, never inside a pair, and say how much is missing", () => {
  assert.deepEqual(pieces("x".repeat(10), 4), { list: [{ text: "xxxx", names: "" }], more: 6 });
  assert.equal(pieces("abc\u{1f600}d", 4).list[0].text, "abc");
  const { list, more } = pieces("\x1b[31mab\x1b[32mcd", 3);
  assert.deepEqual(list.map((piece) => piece.text), ["ab", "c"]);
  assert.equal(more, 1);
  assert.deepEqual(pieces("\x1b[1mabc\u{1f600}def", 4), { list: [{ names: "bold", text: "abc" }], more: 5 });
  assert.equal(pieces(`${"x".repeat(100)}\rlast`, 4).list[0].text, "last");
});

test("a line that never stops changing its look gives few pieces and all its text", () => {
  for (const [text, length] of [["\x1b[31ma\x1b[32mb".repeat(3000), 6000], ["a\x00".repeat(3000), 6000]]) {
    const { list, more } = pieces(text);
    assert.ok(list.length <= 501, `${list.length}`);
    assert.equal(list.reduce((sum, piece) => sum + piece.text.length, 0), length);
    assert.equal(more, 0);
  }
});

test("hostile lines of 64 KiB take milliseconds", () => {
  for (const text of ["\x1b]".repeat(32768), "\x1bP".repeat(32768), "\x1b[".repeat(32768), `\x1b[${"1;".repeat(32000)}`, "\x1b[31m".repeat(13000), "\r".repeat(65536), `${"\r".repeat(65535)}a`, "a\r".repeat(32768), "\x00".repeat(65536)]) {
    const start = performance.now();
    plain(text);
    pieces(text, 4000);
    assert.ok(performance.now() - start < 500, JSON.stringify(text.slice(0, 4)));
  }
});
