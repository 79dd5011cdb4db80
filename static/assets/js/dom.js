// Creates elements; the only file that does. Text from outside enters as text nodes and
// attribute values, never as markup.

const SVG = "http://www.w3.org/2000/svg";

// What has to be set as a property, because the attribute is only its first value.
const PROPERTIES = new Set(["value", "checked", "disabled", "hidden", "open", "inert"]);

const build = (node, attributes, children) => {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (PROPERTIES.has(name)) node[name] = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...nodes(children));
  return node;
};

const nodes = (children) =>
  children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);

/** An HTML element: `el("button", { class: "run", onclick }, "Run now")`. */
export const el = (tag, attributes = {}, ...children) =>
  build(document.createElement(tag), attributes, children);

/** An SVG element. */
export const svg = (tag, attributes = {}, ...children) =>
  build(document.createElementNS(SVG, tag), attributes, children);

/** Puts these children in place of the old ones. */
export const fill = (parent, ...children) => parent.replaceChildren(...nodes(children));

/** Sets the text if it is another one: no layout for nothing. */
export const say = (node, text) => {
  if (node.textContent !== text) node.textContent = text;
};

/** Sets or removes an attribute, if that changes anything. */
export const set = (node, name, value) => {
  if (value === undefined || value === null || value === false) {
    if (node.hasAttribute(name)) node.removeAttribute(name);
  } else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value);
};

/**
 * Makes the keyed children of `parent` those of `items`: who stays keeps its element, and with it
 * focus and selection. `create(item)` gives the element, `update(element, item)` brings it up to
 * date, also when it is new. Children without a key stay where they are, in front.
 */
export const reconcile = (parent, items, key, create, update) => {
  const known = new Map();
  let next = null;
  for (const child of parent.children) {
    if (child.dataset.key === undefined) continue;
    next ??= child;
    known.set(child.dataset.key, child);
  }
  for (const item of items) {
    const name = String(key(item));
    let node = known.get(name);
    known.delete(name);
    if (!node) {
      node = create(item);
      node.dataset.key = name;
    }
    update?.(node, item);
    if (node === next) next = next.nextElementSibling;
    else parent.insertBefore(node, next);
  }
  for (const node of known.values()) node.remove();
};

/** Whether a key press is meant for a field. */
export const isTyping = (target) =>
  target instanceof HTMLElement &&
  (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
