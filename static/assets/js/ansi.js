// What a program wrote for a terminal, as pieces of text with a look. Pure. Colours and styles
// are kept; every other escape sequence goes; what cannot be seen but could deceive is made
// visible: control characters as their pictures, marks that turn the direction of text by number.

// A title or link, and other strings. One without its end is no string: its text stays.
const STRING = "(?:\\x1b\\]|\\x9d)[^\\x07\\x1b\\x9c]*(?:\\x07|\\x1b\\\\|\\x9c)|(?:\\x1b[PX^_]|[\\x90\\x98\\x9e\\x9f])[^\\x1b\\x9c]*(?:\\x1b\\\\|\\x9c)";
const STRINGS = new RegExp(STRING, "g");
// A sequence that ends in a letter, with its parameters; a string; any other sequence; characters
// that are made visible.
const SPECIAL = new RegExp(
  `(?:\\x1b\\[|\\x9b)([0-?]*)([ -/]*[@-~]?)|${STRING}|\\x1b[ -/]*[0-~]|([\\x00-\\x08\\x0a-\\x0c\\x0e-\\x1a\\x1c-\\x1f\\x7f\\u2028-\\u202e\\u2066-\\u2069]+|[\\r\\x1b\\x80-\\x9f])`,
  "g",
);
const ANY_SPECIAL = /[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]/;

const PLAIN = { fg: null, bg: null };
// A line that changes its look more often is no longer meant to be read.
const MOST_LOOKS = 500;

/**
 * The pieces of a line, `{ text, names, color, background }`, and how many characters of it are
 * left out because `most` are enough. `names` are classes, the colours those without a class.
 */
export const pieces = (text, most = Infinity) => {
  if (!ANY_SPECIAL.test(text)) {
    const end = cut(text, most);
    return { list: end ? [{ text: text.slice(0, end), names: "" }] : [], more: text.length - end };
  }
  const { line, start } = visible(text);
  const list = [];
  let room = most;
  let more = 0;
  let looks = 0;
  let state = PLAIN;
  let look = null;
  const put = (part, mark = "") => {
    const end = cut(part, room);
    more += part.length - end;
    room = end < part.length ? 0 : room - end;
    if (!end) return;
    if (list.length >= MOST_LOOKS) look = { names: (mark = "") };
    look ??= lookOf(state);
    const names = mark && look.names ? `${look.names} ${mark}` : mark || look.names;
    const last = list.at(-1);
    if (last && last.names === names && last.color === look.color && last.background === look.background) last.text += part.slice(0, end);
    else list.push({ ...look, names, text: part.slice(0, end) });
  };

  // What a return has hidden counts for the colours all the same.
  let at = start;
  SPECIAL.lastIndex = 0;
  for (let found; room > 0 && (found = SPECIAL.exec(line)); ) {
    const { 1: parameters, 2: final, 3: characters } = found;
    if (found.index > at) put(line.slice(at, found.index));
    at = Math.max(at, SPECIAL.lastIndex);
    if (final === "m" && looks < MOST_LOOKS && !/[<-?]/.test(parameters)) {
      looks += 1;
      state = styled(state, parameters);
      look = null;
    } else if (characters && found.index >= start) put(pictures(characters), "control");
  }
  if (at < line.length) put(line.slice(at));
  return { list, more };
};

/** A line as it reads, without any look. */
export const plain = (text) => {
  if (!ANY_SPECIAL.test(text)) return text;
  const { line, start } = visible(text);
  return line.slice(start).replace(SPECIAL, (whole, parameters, final, characters) => (characters ? pictures(characters) : ""));
};

// What follows the last return is what a terminal would show; one at the very end shows nothing new.
const visible = (text) => {
  if (!text.includes("\r")) return { line: text, start: 0 };
  const line = text.replace(STRINGS, "");
  let end = line.length;
  while (line[end - 1] === "\r") end -= 1;
  return { line: line.slice(0, end), start: line.lastIndexOf("\r", end - 1) + 1 };
};

// Never in the middle of a pair.
const cut = (text, most) => {
  if (text.length <= most) return text.length;
  return most > 0 && /[\ud800-\udbff]/.test(text[most - 1]) ? most - 1 : most;
};

const pictures = (characters) => Array.from(characters, picture).join("");

const picture = (character) => {
  const code = character.charCodeAt(0);
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  if (code === 0x7f) return "\u2421";
  return `<U+${code.toString(16).toUpperCase().padStart(4, "0")}>`;
};

const FLAGS = {
  1: { bold: true }, 2: { dim: true }, 3: { italic: true }, 4: { under: true }, 7: { inverse: true },
  // Concealed text would be a place to hide something: it is only dim.
  8: { dim: true },
  9: { strike: true },
  21: { under: true }, 22: { bold: false, dim: false }, 23: { italic: false }, 24: { under: false },
  27: { inverse: false }, 28: { dim: false }, 29: { strike: false }, 39: { fg: null }, 49: { bg: null },
};

const styled = (state, parameters) => {
  let next = state;
  const codes = parameters.split(";");
  for (let at = 0; at < codes.length; at += 1) {
    const [code, ...rest] = codes[at].includes(":") ? codes[at].split(":").map(Number) : [Number(codes[at])];
    if (code === 0) next = PLAIN;
    else if (code === 38 || code === 48) {
      // `38;5;n` takes the codes behind it, `38:5:n` stands alone and may name a colour space.
      const given = rest.length ? (rest[0] === 2 && rest.length > 4 ? [2, ...rest.slice(2)] : rest) : codes.slice(at + 1, at + 5).map(Number);
      if (!rest.length) at += given[0] === 5 ? 2 : given[0] === 2 ? 4 : 0;
      const color = given[0] === 5 ? indexed(given[1]) : given[0] === 2 ? direct(given.slice(1, 4)) : undefined;
      if (color !== undefined) next = { ...next, [code === 38 ? "fg" : "bg"]: color };
    } else if (code === 4 && rest[0] === 0) next = { ...next, under: false };
    else if (code >= 30 && code <= 37) next = { ...next, fg: code - 30 };
    else if (code >= 40 && code <= 47) next = { ...next, bg: code - 40 };
    else if (code >= 90 && code <= 97) next = { ...next, fg: code - 82 };
    else if (code >= 100 && code <= 107) next = { ...next, bg: code - 92 };
    else if (FLAGS[code]) next = { ...next, ...FLAGS[code] };
  }
  return next;
};

const direct = (rgb) => (rgb.length === 3 && rgb.every((part) => part >= 0 && part <= 255) ? rgb : undefined);

// 16 of the palette, a cube of 6 × 6 × 6, 24 greys.
const indexed = (index) => {
  if (!(index >= 0 && index <= 255)) return undefined;
  if (index < 16) return index;
  if (index >= 232) return Array(3).fill(8 + (index - 232) * 10);
  const level = (step) => (step ? 55 + step * 40 : 0);
  const place = index - 16;
  return [level(Math.floor(place / 36)), level(Math.floor(place / 6) % 6), level(place % 6)];
};

const STYLES = ["bold", "italic", "under", "strike"];

const lookOf = (state) => {
  const names = STYLES.filter((name) => state[name]);
  const look = {};
  const { inverse } = state;
  const ground = inverse ? state.fg ?? "ink" : state.bg;
  const ink = inverse ? state.bg : state.fg;

  if (ground === "ink") names.push("inverse");
  else if (typeof ground === "number") names.push(`b${ground}`);
  else if (ground) look.background = css(apart(ground));

  // On a bright ground of the palette the text is dark, whatever the program says.
  if (ground === "ink" || (typeof ground === "number" && ground % 8 !== 0)) names.push("on-bright");
  else {
    if (Array.isArray(ground)) look.color = inkOn(luminance(apart(ground)), ink);
    else if (Array.isArray(ink)) look.color = css(legible(ink, CONSOLE));
    if (!look.color && typeof ink === "number") names.push(`a${ink}`);
    if (state.dim) names.push(ink === null ? "dim" : "faint");
  }
  look.names = names.join(" ");
  return look;
};

// Relative luminance of --console, the lowest contrast of text, and the brightest ground for white.
const CONSOLE = 0.0063;
const CONTRAST = 4.5;
const MIDDLE = 0.18;

const inkOn = (ground, ink) => {
  if (Array.isArray(ink) && contrast(luminance(ink), ground) >= CONTRAST) return css(ink);
  if (ground > MIDDLE) return "var(--console)";
  if (Array.isArray(ink)) return css(legible(ink, ground));
  return ground > 2 * CONSOLE ? "var(--ansi-15)" : undefined;
};

// Between these neither white nor the console's own black can be read: such a ground gets darker.
const apart = (rgb) => {
  const light = luminance(rgb);
  return light > MIDDLE && light < 0.204 ? rgb.map((part) => Math.round(part * 0.93)) : rgb;
};

const css = (rgb) => `rgb(${rgb.join(" ")})`;

const luminance = (rgb) => {
  const [r, g, b] = rgb.map((part) => (part <= 10 ? part / 3294.6 : ((part / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};

const contrast = (one, other) => (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);

// Nearer to white until it can be read.
const legible = (rgb, ground) => {
  let lighter = rgb;
  for (let step = 1; step <= 10 && contrast(luminance(lighter), ground) < CONTRAST; step += 1) {
    lighter = rgb.map((part) => Math.round(part + ((255 - part) * step) / 10));
  }
  return lighter;
};
