// Asks for the key of a server that wants one.
import { api_key, doorbell } from './api.js';
import { h } from './dom.js';

/** `entered` is called when there is another key. */
export function make_key_dialog(entered) {
  const reason = h('p', { class: 'trouble', role: 'alert', hidden: true });
  const field = h('input', { id: 'key', type: 'password', autocomplete: 'off',
                             spellcheck: 'false', onkeydown: on_key });
  const dialog = h('dialog', { class: 'key-dialog',
                               'aria-labelledby': 'key-title' },
    h('h2', { id: 'key-title' }, 'API key'),
    h('p', { class: 'hint' },
      'Sent with every request of this page, and forgotten with this tab.'),
    reason,
    h('label', { for: 'key' }, 'Key'), field,
    h('div', { class: 'dialog-foot' },
      h('button', { type: 'button', class: 'button',
                    onclick: () => dialog.close() }, 'Cancel'),
      h('button', { type: 'button', class: 'button strong', onclick: take },
        'Use it')));
  document.body.append(dialog);

  function on_key(event) {
    if (event.key !== 'Enter') return;
    // Else it would press the button that gets the focus back.
    event.preventDefault();
    take();
  }
  function take() {
    api_key.set(field.value.trim());
    dialog.close();
    entered();
  }
  function open(why = '') {
    reason.textContent = why;
    reason.hidden = why === '';
    if (dialog.open) return;
    field.value = api_key.get();
    dialog.showModal();
    field.select();
  }
  doorbell.addEventListener('key-wanted', ({ detail }) => open(detail.message));
  return () => open();
}
