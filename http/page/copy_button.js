// A button that copies a text, and says that it has.
import { h, icon } from './dom.js';

const shown_for = 1600; // milliseconds

/** `text` is asked for when the button is pressed. */
export function copy_button(label, text) {
  const button = h('button', { type: 'button', class: 'icon-button copy',
                               'aria-label': label, title: label,
                               onclick: copy }, icon('copy'));
  async function copy() {
    const done = await put(text());
    button.replaceChildren(icon(done ? 'check' : 'close'));
    button.setAttribute('aria-label', done ? 'Copied' : 'Could not copy');
    setTimeout(() => {
      button.replaceChildren(icon('copy'));
      button.setAttribute('aria-label', label);
    }, shown_for);
  }
  return button;
}

// Browsers keep the clipboard from pages over plain HTTP that are not on the
// same machine; the old way is open to them.
async function put(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = h('textarea', { class: 'unseen', readonly: true });
    field.value = text;
    document.body.append(field);
    field.select();
    const done = document.execCommand('copy');
    field.remove();
    return done;
  }
}
