// What a chat asks of its model.
import { h, icon_button } from './dom.js';

const fields = [
  { name: 'temperature', label: 'Temperature', min: 0, max: 2, step: 0.1,
    hint: 'How freely it chooses; 0 always takes the likeliest token' },
  { name: 'top_p', label: 'Top p', min: 0.01, max: 1, step: 0.01,
    hint: 'Draws from the likeliest tokens with this share together' },
  { name: 'top_k', label: 'Top k', min: 0, step: 1,
    hint: 'Draws from so many of the likeliest tokens; 0 is all' },
  { name: 'max_tokens', label: 'Longest reply', min: 1, step: 1,
    hint: 'In tokens' },
  { name: 'seed', label: 'Seed', min: 0, step: 1,
    hint: 'The same seed gives the same reply' },
];

export class settings_panel {
  /** `changed` is called whenever `settings` are. */
  constructor(changed, close) {
    this.changed = changed;
    this.inputs = new Map();
    this.element = h('aside', { class: 'settings', id: 'settings',
                                'aria-label': 'Settings of this chat',
                                hidden: true },
      h('div', { class: 'settings-head' },
        h('h2', {}, 'Settings'),
        icon_button('close', 'Close settings', close)),
      this.#system_field(),
      fields.map((field) => this.#number_field(field)),
      h('button', { type: 'button', class: 'button',
                    onclick: () => this.#reset() }, "Use the model's own"));
  }

  show(settings) {
    this.settings = settings;
    for (const [name, input] of this.inputs) {
      input.value = settings[name] ?? '';
      this.mark(name, false);
    }
  }

  /** Marks the field that the server does not like. */
  mark(name, is_wrong) {
    this.inputs.get(name)?.setAttribute('aria-invalid', is_wrong);
  }

  #reset() {
    for (const name of this.inputs.keys()) delete this.settings[name];
    this.show(this.settings);
    this.changed();
  }

  #listen(name, input) {
    this.inputs.set(name, input);
    input.addEventListener('change', () => {
      this.settings[name] = input.value;
      this.mark(name, !input.checkValidity());
      this.changed();
    });
    return input;
  }

  #system_field() {
    const input = h('textarea', { rows: '4', id: 'set-system', dir: 'auto',
                                  placeholder: 'None' });
    return h('div', { class: 'field' },
      h('label', { for: 'set-system' }, 'System prompt'),
      this.#listen('system', input));
  }

  #number_field({ name, label, hint, ...limits }) {
    const input = h('input', { type: 'number', id: `set-${name}`,
                               inputmode: 'decimal', placeholder: 'default',
                               'aria-describedby': `hint-${name}`, ...limits });
    return h('div', { class: 'field beside' },
      h('label', { for: `set-${name}` }, label),
      this.#listen(name, input),
      h('p', { class: 'hint', id: `hint-${name}` }, hint));
  }
}
