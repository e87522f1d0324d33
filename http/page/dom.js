// Makes elements. Attributes are set by name and children are nodes or text:
// there is no way from a text to markup here.

/**
 * An element. An attribute that is a function listens to the event that is its
 * name without `on`; true is an attribute without a value, and false, null and
 * undefined are none.
 */
export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function')
      element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, '');
    else if (value !== false && value !== null && value !== undefined)
      element.setAttribute(name, value);
  }
  put(element, ...children);
  return element;
}

/** Gives an element other children; those that are false or null are none. */
export function put(element, ...children) {
  element.replaceChildren(...children.flat().filter((child) =>
    child !== false && child !== null && child !== undefined));
}

/** The same in a drawing. */
export function svg(tag, attributes = {}, ...children) {
  const name = 'http://www.w3.org/2000/svg';
  return fill(document.createElementNS(name, tag), attributes, children);
}

const drawings = {
  add: 'M12 5v14M5 12h14',
  chat: 'M4 5h16v11H9l-5 4z',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  close: 'M6 6l12 12M18 6L6 18',
  copy: 'M9 9h11v11H9zM15 9V4H4v11h5',
  dark: 'M20 14.5A8.5 8.5 0 0 1 9.5 4 8.5 8.5 0 1 0 20 14.5z',
  edit: 'M4 20l1-4L16.5 4.5l3 3L8 19z',
  figures: 'M4 4v16h16M8 15l3.5-4.5 3 2.5L20 7',
  go_on: 'M5 6l8 6-8 6zM18 6v12',
  key: 'M8 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 12h9v3.5M17 12v2.5',
  light: 'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4',
  menu: 'M4 7h16M4 12h16M4 17h16',
  models: 'M4 4h16v6H4zM4 14h16v6H4zM8 7h.01M8 17h.01',
  remove: 'M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13',
  retry: 'M19 12a7 7 0 1 1-2-4.9L19 9M19 4v5h-5',
  send: 'M12 19V5M6 11l6-6 6 6',
  settings: 'M4 8h9M18 8h2M4 16h2M11 16h9M15.5 5.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5zM8.5 13.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5z',
  stop: 'M7 7h10v10H7z',
  to_end: 'M12 5v14M6 13l6 6 6-6',
};

/** A drawing that says nothing to a screen reader: its button has a name. */
export function icon(name) {
  return svg('svg', { class: `icon icon-${name}`, viewBox: '0 0 24 24',
                      'aria-hidden': 'true', focusable: 'false' },
    svg('path', { d: drawings[name] }));
}

/** A button that is a drawing; its name is its label and its hint. */
export function icon_button(name, label, onclick, attributes = {}) {
  return h('button', { type: 'button', class: 'icon-button',
                       'aria-label': label, title: label, onclick,
                       ...attributes },
    icon(name));
}
