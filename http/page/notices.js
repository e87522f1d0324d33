// Short words at the edge of the page, which go by themselves.
import { h, icon_button } from './dom.js';

const shown_for = 6000; // milliseconds
const most_shown = 4;

/** Says it; `action` is a button's name and what it does. */
export function notify(text, { is_error = false, action = null } = {}) {
  const place = document.getElementById('notices');
  const leave = () => notice.remove();
  const notice = h('div', { class: is_error ? 'notice error' : 'notice' },
    h('span', {}, text),
    action && h('button', { type: 'button', class: 'link-button',
                            onclick: () => { leave(); action.run(); } },
      action.name),
    icon_button('close', 'Dismiss', leave));
  place.append(notice);
  while (place.childNodes.length > most_shown) place.firstChild.remove();
  if (!is_error) setTimeout(leave, shown_for);
}

/** Says it to screen readers alone. */
export function announce(text) {
  const place = document.getElementById('announcer');
  place.append(h('p', {}, text));
  while (place.childNodes.length > 20) place.firstChild.remove();
}
