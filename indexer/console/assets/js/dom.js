// Builds elements. Text goes in as text nodes only: nothing here, or anywhere in the console, turns a string into markup.

/**
 * @param {string} tag
 * @param {Object} [props] attributes; `class`, `on` ({event: listener}) and `data` ({name: value}) are special, null and false are left out
 * @param {...(Node|string|number|null)} children
 */
export function el(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (name === 'class') node.className = value;
    else if (name === 'on') for (const [type, listener] of Object.entries(value)) node.addEventListener(type, listener);
    else if (name === 'data') Object.assign(node.dataset, value);
    else node.setAttribute(name, value === true ? '' : String(value));
  }
  append(node, children);
  return node;
}

export function replace(node, ...children) {
  node.textContent = '';
  append(node, children);
}

function append(node, children) {
  for (const child of children.flat()) {
    if (child === null || child === undefined || child === false) continue;
    node.append(child instanceof Node ? child : String(child));
  }
}

export const byId = (id) => document.getElementById(id);

let announceTimer = 0;

/** Says something to a screen reader, without moving the focus. */
export function announce(text) {
  clearTimeout(announceTimer);
  announceTimer = setTimeout(() => { byId('announce').textContent = text; }, 150);
}
