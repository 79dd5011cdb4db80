// Creates elements; the only file that does. Text from outside enters as text nodes and
// attribute values, never as markup.

const SVG = "http://www.w3.org/2000/svg";

// What has to be set as a property, because the attribute is only its first value.
const PROPERTIES = new Set(["value", "checked", "disabled", "hidden", "open", "inert"]);

const build = (make, selector, rest) => {
  const [tag, ...classes] = selector.split(".");
  const node = make(tag);
  node.classList.add(...classes);
  const hasAttributes = rest[0]?.constructor === Object;
  if (hasAttributes) attribute(node, rest[0]);
  node.append(...nodes(rest.slice(hasAttributes ? 1 : 0)));
  return node;
};

const attribute = (node, attributes) => {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (name === "class") node.classList.add(...value.split(" ").filter(Boolean));
    else if (PROPERTIES.has(name)) node[name] = value;
    else node.setAttribute(name, value === true ? "" : value);
  }
};

const nodes = (children) =>
  children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);

/**
 * An HTML element with its classes, attributes, if any, and children:
 * `el("button.button.button-main", { onclick }, "Run now")`.
 */
export const el = (selector, ...rest) => build((tag) => document.createElement(tag), selector, rest);

/** An SVG element. */
export const svg = (selector, ...rest) => build((tag) => document.createElementNS(SVG, tag), selector, rest);

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
