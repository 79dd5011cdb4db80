// What a program wrote for a terminal, as pieces of text with a look. Pure. Colours and styles
// are kept; every other escape sequence goes; what cannot be seen but could deceive is made
// visible: control characters as their pictures, marks that turn the direction of text by number.

// Parameters of a look; any other sequence that ends in a letter; a title, a link or another
// string, which without its end is none; any other sequence; a character that cannot be seen.
const SPECIAL = /\x1b\[([\d;]*)m|\x1b\[[0-?]*[ -/]*[@-~]?|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[ -/]*[0-~]|([\x00-\x08\x0a-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069])/g;

// A line that changes its look more often is no longer meant to be read.
const MOST_LOOKS = 500;

/** The pieces of a line: `{ text, names, color, background }`, of which `names` are classes. */
export const pieces = (text) => {
  let list = [];
  let looks = 0;
  let state = {};
  let look = lookOf(state);
  let isOverwritten = false;
  const put = (part, names = look.names) => {
    if (!part) return;
    // What follows the last return is what a terminal would show.
    if (isOverwritten) list = [];
    isOverwritten = false;
    const last = list.at(-1);
    const isSame = last?.names === names && last.color === look.color && last.background === look.background;
    if (isSame || (last && looks > MOST_LOOKS)) last.text += part;
    else {
      list.push({ ...look, names, text: part });
      looks += 1;
    }
  };

  let at = 0;
  for (const { 0: whole, 1: parameters, 2: character, index } of text.matchAll(SPECIAL)) {
    put(text.slice(at, index));
    at = index + whole.length;
    if (character === "\r") isOverwritten = true;
    else if (character) put(picture(character), "control");
    else if (parameters !== undefined && looks <= MOST_LOOKS) {
      state = styled(state, parameters.split(";").map(Number));
      look = lookOf(state);
    }
  }
  put(text.slice(at));
  return list;
};

/** A line as it reads, without any look. */
export const plain = (text) =>
  text.replace(SPECIAL, (whole, parameters, character) => (character ? picture(character) : "")).split("\r").findLast(Boolean) ?? "";

const picture = (character) => {
  const code = character.charCodeAt(0);
  if (character === "\r") return character;
  if (code < 0x20) return String.fromCharCode(0x2400 + code);
  return code === 0x7f ? "\u2421" : `<U+${code.toString(16).toUpperCase().padStart(4, "0")}>`;
};

// Concealed text would be a place to hide something: it is only dim.
const STYLES = { 1: "bold", 2: "dim", 3: "italic", 4: "under", 7: "inverse", 8: "dim", 9: "strike", 21: "under" };

const styled = (before, codes) => {
  let state = { ...before };
  for (let at = 0; at < codes.length; at += 1) {
    const code = codes[at];
    const place = code < 40 || (code >= 90 && code < 100) ? "ink" : "ground";
    const last = code % 10;
    if (code === 0) state = {};
    else if (STYLES[code]) state[STYLES[code]] = true;
    else if (code === 22) state.bold = state.dim = false;
    else if (code > 22 && code < 30) state[STYLES[last]] = false;
    else if (code >= 90 && code < 108) state[place] = palette(last + 8);
    else if (code < 30 || code >= 50) continue;
    else if (last < 8) state[place] = palette(last);
    else if (last === 9) state[place] = null;
    else if (codes[at + 1] === 5) {
      state[place] = indexed(codes[at + 2]);
      at += 2;
    } else {
      state[place] = direct(codes.slice(at + 2, at + 5));
      at += 4;
    }
  }
  return state;
};

const lookOf = ({ ink, ground, inverse, ...styles }) => {
  const names = Object.keys(styles).filter((name) => styles[name]).join(" ");
  if (inverse) [ink, ground] = [ground, ink ?? palette(7)];
  if (!ground) return { names, color: ink?.ink };
  // On a ground that can be seen text is as dark or as light as it needs, whatever the program says.
  const color = ground.light > MIDDLE ? "var(--console)" : ground.light > BLACK ? "var(--ansi-15)" : ink?.ink;
  return { names, color, background: ground.ground };
};

// A colour has an ink that can be read on the console, a ground, and how light that is.

const palette = (index) => {
  const ink = `var(--ansi-${index})`;
  return index % 8 ? { ink, ground: ink, light: 1 } : { ink, ground: "var(--console-line)", light: 0 };
};

// 16 of the palette, a cube of 6 × 6 × 6, 24 greys.
const indexed = (index) => {
  if (index < 16) return palette(index);
  if (index >= 232) return direct(Array(3).fill(8 + (index - 232) * 10));
  return direct([36, 6, 1].map((size) => [0, 95, 135, 175, 215, 255][Math.floor((index - 16) / size) % 6]));
};

// Light of a ground that is as good as black, of the brightest for white, and of the darkest text.
const BLACK = 0.02;
const MIDDLE = 0.18;
const LEGIBLE = 0.21;

const direct = (rgb) => {
  if (rgb.length < 3 || !rgb.every((part) => part >= 0 && part <= 255)) return null;
  let ink = rgb;
  for (let step = 1; luminance(ink) < LEGIBLE; step += 1) ink = rgb.map((part) => Math.round(part + ((255 - part) * step) / 10));
  const light = luminance(rgb);
  // Between these neither white nor the console's own black can be read: such a ground gets darker.
  const ground = light > MIDDLE && light < 0.204 ? rgb.map((part) => Math.round(part * 0.93)) : rgb;
  return { ink: css(ink), ground: css(ground), light: luminance(ground) };
};

const css = (rgb) => `rgb(${rgb.join(" ")})`;

const luminance = (rgb) => {
  const [r, g, b] = rgb.map((part) => (part / 255) ** 2.2);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
