// Fuzzes what the dashboard makes of a program's output (`static/assets/js/ansi.js`): mutations of
// a few seeds, the same ones in each run. `node tests/fuzz/ansi.mjs [EXECUTIONS [SEED]]`

import { pieces, plain } from "../../static/assets/js/ansi.js";

const executions = Number(process.argv[2] ?? 20_000);
const LONGEST = 80;

// xorshift32 (Marsaglia 2003).
let state = Number(process.argv[3] ?? 20260507) | 0 || 1;
const roll = (sides) => {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % sides;
};
const pick = (list) => list[roll(list.length)];

const SEEDS = [
  "plain <b> & text",
  "\x1b[1;31mred\x1b[0m and \x1b[38;5;214morange\x1b[48;2;1;2;3m",
  "\x1b]0;title\x07\x1b]8;;https://a.example\x1b\\link\x1b]8;;\x1b\\",
  "10%\r20%\r\r30%\x1b[K",
  "\x1b(B\x1b[?25l\x1b[2J\x1bPq\x1b\\\x9b31m\u202eexe\x00\x7f",
];
const WORDS = [
  ..."\x1b\x07\r\t\x00\x7f\x9b[]m;:P_^X\\0?<>&\"' ~@",
  "\x1b[", "\x1b]", "\x1b\\", "\x1b[0m", "\x1b[m", "\x1b[38;5;", "\x1b[48;2;", "\x1b[7m", "\x1b[31;42m", "\x1b[1000000000000m", "\x1b[22m",
  "\u2028", "\u202e", "\u2066", "\ud83e\udd80", "\ud83e", "<script>", "&lt;", "__proto__",
];

const mutated = (text) => {
  const at = roll(text.length + 1);
  const end = Math.min(text.length, at + roll(8));
  switch (roll(6)) {
    case 0: return text.slice(0, at) + text.slice(end);
    case 1: return text.slice(0, at) + text.slice(at, end).repeat(2) + text.slice(end);
    case 2: return text.slice(0, at) + String.fromCharCode(roll(roll(8) ? 0x100 : 0x10000)) + text.slice(end);
    case 3: return text.slice(0, at) + pick(SEEDS).slice(roll(20));
    default: return text.slice(0, at) + pick(WORDS) + text.slice(at);
  }
};

const within = (character, low, high) => character >= low && character <= high;

// Where the escape sequence at `at` ends, read letter by letter (ECMA-48, 5.3 to 5.6); `at` itself
// where there is none.
const sequenceEnd = (text, at) => {
  const kind = text[at + 1] ?? "";
  let end = at + 2;
  if (kind === "[") {
    while (within(text[end] ?? "", "0", "?")) end += 1;
    while (within(text[end] ?? "", " ", "/")) end += 1;
    return within(text[end] ?? "", "@", "~") ? end + 1 : end;
  }
  if (kind !== "" && "]PX^_".includes(kind)) {
    while (end < text.length && text[end] !== "\x07" && text[end] !== "\x1b") end += 1;
    if (text[end] === "\x07") return end + 1;
    if (text[end] === "\x1b" && text[end + 1] === "\\") return end + 2;
  }
  // One without its end is a sequence of two letters.
  end = at + 1;
  while (within(text[end] ?? "", " ", "/")) end += 1;
  return within(text[end] ?? "", "0", "~") ? end + 1 : at;
};

// What is left when sequences go and control characters become pictures.
const expected = (text) => {
  let out = "";
  let line = "";
  for (let at = 0; at < text.length; ) {
    const end = text[at] === "\x1b" ? sequenceEnd(text, at) : at;
    if (end > at) {
      at = end;
      continue;
    }
    const code = text.charCodeAt(at);
    const isDeceiving = within(code, 0x7f, 0x9f) || within(code, 0x2028, 0x202e) || within(code, 0x2066, 0x2069);
    if (code === 13) [line, out] = [out || line, ""];
    else if (code < 32 && code !== 9) out += String.fromCharCode(0x2400 + code);
    else if (code === 0x7f) out += "\u2421";
    else if (isDeceiving) out += `<U+${code.toString(16).toUpperCase().padStart(4, "0")}>`;
    else out += text[at];
    at += 1;
  }
  return out || line;
};

const NAMES = new Set(["bold", "dim", "italic", "under", "inverse", "strike", "control"]);
const COLOR = /^(?:var\(--(?:ansi-(?:1[0-5]|\d)|console|console-line)\)|rgb\(\d{1,3} \d{1,3} \d{1,3}\))$/;
const isColor = (color) => color === undefined || (COLOR.test(color) && (color.match(/\d+/g) ?? []).every((part) => part <= 255));

const check = (text) => {
  const list = pieces(text);
  const shown = list.map((piece) => piece.text).join("");
  const wanted = expected(text);
  if (shown !== wanted) return `shows ${JSON.stringify(shown)} for ${JSON.stringify(wanted)}`;
  if (plain(text) !== wanted) return `reads ${JSON.stringify(plain(text))} for ${JSON.stringify(wanted)}`;
  if (list.length > text.length) return "has more pieces than letters";
  if (shown.length > text.length * 8) return "grows";
  for (const piece of list) {
    if (piece.text === "") return "has an empty piece";
    if (Object.keys(piece).some((key) => !["text", "names", "color", "background"].includes(key))) return "has something unknown";
    if (piece.names.split(" ").some((name) => name && !NAMES.has(name))) return `has the class ${piece.names}`;
    if (!isColor(piece.color) || !isColor(piece.background)) return `has the colour ${piece.color} on ${piece.background}`;
  }
  return null;
};

const refuse = (text, flaw) => {
  console.error(`ansi: ${flaw}\n${JSON.stringify(text)}`);
  process.exit(1);
};

// 16 times the text takes about 16 times the processor: what is quadratic would take 256 times as
// long. A line of a log has 64 KiB at most.
const checkTime = () => {
  const cost = (text) => {
    let best = Infinity;
    for (let attempt = 0; attempt < 3; attempt += 1) {
      const before = process.cpuUsage();
      pieces(text);
      best = Math.min(best, process.cpuUsage(before).user / 1000);
    }
    return best;
  };
  for (const word of [...WORDS, ...SEEDS, "\x1b]a", "\x1b[1;", "\x1b[31mx\x1b[32my", "\x1b ", "a\r"]) {
    const [short, long] = [1 << 13, 1 << 17].map((size) => cost(word.repeat(size / word.length)));
    if (long > 250 && long > short * 128) refuse(word, `takes ${long} ms for 128 KiB and ${short} ms for 8 KiB of it`);
  }
};

const begun = performance.now();
for (const seed of SEEDS) {
  const flaw = check(seed);
  if (flaw) refuse(seed, flaw);
}
let text = SEEDS[0];
for (let execution = 0; execution < executions; execution += 1) {
  text = mutated(roll(12) ? text : pick(SEEDS)).slice(0, LONGEST);
  const flaw = check(text);
  if (flaw) refuse(text, flaw);
}
checkTime();
const seconds = (performance.now() - begun) / 1000;
console.log(`ansi ${executions} ${Math.round(executions / seconds)} 0`);
