// Where one writes: Enter sends, Shift and Enter begins a line, Escape stops.
import { h, icon } from './dom.js';

/** `doing` has `send`, `stop` and `edit_last`. */
export class composer {
  #is_running = false;

  constructor(doing) {
    this.doing = doing;
    this.field = h('textarea', {
      id: 'say', rows: '1', dir: 'auto', placeholder: 'Ask something',
      'aria-label': 'Your message', 'aria-describedby': 'say-hint',
      enterkeyhint: 'send', oninput: () => this.#fit(),
      onkeydown: (event) => this.#on_key(event),
    });
    this.button = h('button', { type: 'button', class: 'send',
                                onclick: () => this.#press() });
    this.element = h('div', { class: 'composer' },
      h('div', { class: 'composer-box' }, this.field, this.button),
      h('p', { id: 'say-hint', class: 'hint' },
        'Enter sends, Shift+Enter starts a new line, Esc stops'));
    this.set_running(false);
  }

  set_running(is_running) {
    this.#is_running = is_running;
    this.button.replaceChildren(icon(is_running ? 'stop' : 'send'));
    const name = is_running ? 'Stop' : 'Send';
    this.button.setAttribute('aria-label', name);
    this.button.title = name;
    this.#fit();
  }

  #press() {
    if (this.#is_running) this.doing.stop();
    else this.#send();
    this.field.focus();
  }

  #send() {
    const text = this.field.value.trim();
    // What cannot be sent now stays.
    if (text === '' || !this.doing.send(text)) return;
    this.field.value = '';
    this.#fit();
  }

  #on_key(event) {
    const { key, shiftKey, isComposing } = event;
    if (key === 'Enter' && !shiftKey && !isComposing) {
      event.preventDefault();
      if (!this.#is_running) this.#send();
    } else if (key === 'ArrowUp' && this.field.value === '') {
      event.preventDefault();
      this.doing.edit_last();
    }
  }

  // As high as its text.
  #fit() {
    const { field } = this;
    field.style.height = 'auto';
    if (field.scrollHeight > 0)
      field.style.height = `${field.scrollHeight}px`;
    this.button.disabled = !this.#is_running && field.value.trim() === '';
  }
}
