/**
 * Views as data, and the document made to look like them. A view says what there should be; `show` changes only what
 * differs from the view before it. So whatever the browser keeps in an element (focus, scroll, selection, an open
 * `details`, typed text) stays there when data changes. Text is only ever set as text, never read as markup.
 */

/**
 * @typedef {{
 *   readonly tag: string,
 *   readonly key: string | null,
 *   readonly attributes: Readonly<Record<string, unknown>>,
 *   readonly children: readonly (Element | string)[],
 * }} Element A view of an element; `key` tells it from its siblings when they come, go or move.
 * @typedef {Element | string | number | null | undefined | false | readonly Child[]} Child
 * @typedef {{ view: Element | string, node: HTMLElement | Text, children: Shown[] }} Shown
 */

/** @type {WeakMap<globalThis.Element, Shown[]>} */
const shownIn = new WeakMap();
/** @type {WeakMap<globalThis.Element, Record<string, EventListener>>} */
const listeners = new WeakMap();

/**
 * A view of an element. Attributes: text; true (there) or null and false (absent); `on…` a listener; `key`.
 * @param {string} tag
 * @param {Readonly<Record<string, unknown>> | null} [attributes]
 * @param {...Child} children
 * @returns {Element}
 */
export function h(tag, attributes, ...children) {
  const { key = null, ...rest } = attributes ?? {};
  return { tag, key: key === null ? null : String(key), attributes: rest, children: flat(children) };
}

/**
 * @param {readonly Child[]} children
 * @returns {(Element | string)[]}
 */
function flat(children) {
  return children.flatMap((child) => {
    if (child === null || child === undefined || child === false || child === '') return [];
    if (Array.isArray(child)) return flat(child);
    return [typeof child === 'number' ? String(child) : /** @type {Element | string} */ (child)];
  });
}

/**
 * Makes the content of `parent` look like the view.
 * @param {globalThis.Element} parent
 * @param {...Child} views
 */
export function show(parent, ...views) {
  const focused = document.activeElement;
  shownIn.set(parent, patchChildren(parent, shownIn.get(parent) ?? [], flat(views)));
  // Where an element had to be moved by taking it out, the browser let go of the focus.
  if (focused instanceof HTMLElement && focused !== document.activeElement && focused.isConnected)
    focused.focus({ preventScroll: true });
}

/**
 * @param {globalThis.Element} parent
 * @param {readonly Shown[]} before
 * @param {readonly (Element | string)[]} views
 * @returns {Shown[]}
 */
function patchChildren(parent, before, views) {
  const names = namesOf(before.map(({ view }) => view));
  const old = new Map(before.map((shown, at) => [names[at], shown]));
  const wanted = namesOf(views);
  const next = views.map((view, at) => {
    const name = wanted[at];
    const shown = old.get(name);
    old.delete(name);
    return shown === undefined ? create(view) : update(shown, view);
  });
  for (const { node } of old.values()) node.remove();
  /** @type {ChildNode | null} */
  let place = parent.firstChild;
  for (const { node } of next) {
    if (node === place) place = place.nextSibling;
    else move(parent, node, place);
  }
  return next;
}

/**
 * What tells each view from its siblings; one that has the same name before and after is the same thing. Of several with
 * one key, which no program should make and other people's data may, the second is another one.
 * @param {readonly (Element | string)[]} views
 */
function namesOf(views) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  return views.map((view, at) => {
    if (typeof view === 'string') return `text ${at}`;
    if (view.key === null) return `${view.tag} ${at}`;
    const name = `${view.tag} key ${view.key}`;
    const count = (counts.get(name) ?? 0) + 1;
    counts.set(name, count);
    return count === 1 ? name : `${count} ${name}`;
  });
}

/**
 * Puts a node in front of another, without taking it out of the document where the browser can do that.
 * @param {globalThis.Element} parent
 * @param {ChildNode} node
 * @param {ChildNode | null} place
 */
function move(parent, node, place) {
  if (node.isConnected && 'moveBefore' in parent) parent.moveBefore(node, place);
  else parent.insertBefore(node, place);
}

/**
 * @param {Element | string} view
 * @returns {Shown}
 */
function create(view) {
  if (typeof view === 'string') return { view, node: document.createTextNode(view), children: [] };
  const node = document.createElement(view.tag);
  for (const [name, value] of Object.entries(view.attributes)) setAttribute(node, name, value);
  return { view, node, children: patchChildren(node, [], view.children) };
}

/**
 * @param {Shown} shown
 * @param {Element | string} view
 * @returns {Shown}
 */
function update({ view: before, node, children }, view) {
  if (typeof view === 'string' || typeof before === 'string') {
    if (node instanceof Text && node.data !== view) node.data = /** @type {string} */ (view);
    return { view, node, children };
  }
  const element = /** @type {HTMLElement} */ (node);
  for (const name of new Set([...Object.keys(before.attributes), ...Object.keys(view.attributes)])) {
    const value = view.attributes[name];
    if (value !== before.attributes[name]) setAttribute(element, name, value);
  }
  return { view, node, children: patchChildren(element, children, view.children) };
}

/**
 * @param {HTMLElement} node
 * @param {string} name
 * @param {unknown} value
 */
function setAttribute(node, name, value) {
  if (name.startsWith('on')) setListener(node, name.slice(2), /** @type {EventListener} */ (value));
  else if (value === null || value === undefined || value === false) node.removeAttribute(name);
  else node.setAttribute(name, value === true ? '' : String(value));
}

/**
 * One listener for each kind of event, which may be another one at each update.
 * @param {HTMLElement} node
 * @param {string} type
 * @param {EventListener} listener
 */
function setListener(node, type, listener) {
  const of = listeners.get(node) ?? {};
  if (of[type] === undefined) node.addEventListener(type, (event) => listeners.get(node)?.[type]?.(event));
  listeners.set(node, { ...of, [type]: listener });
}
