// The shown chat: its messages, where one writes, and its settings.
import { composer } from './composer.js';
import { h, icon_button, put } from './dom.js';
import { agent_message, user_message } from './message_view.js';
import { announce, notify } from './notices.js';
import { settings_panel } from './settings_panel.js';
import { active_models, status } from './watch.js';

// The model that ships with the server knows the server and little else.
const of_tiny_chat = [
  'How do I add a device?',
  'What happens when a worker dies?',
  'What does activate do?',
];
const of_others = [
  'What can you help me with?',
  'Explain recursion with a small example.',
  'Write a haiku about the sea.',
];
const suggestions_of = (model) =>
  model === 'tiny-chat' ? of_tiny_chat : of_others;
const near_end = 60; // pixels

const has_keyboard = () => !matchMedia('(pointer: coarse)').matches;

export class chat_view {
  #views = new WeakMap(); // message to what shows it
  #is_drawn = false; // a drawing is due with the next frame
  #follows = true;

  constructor(root, talks) {
    this.talks = talks;
    this.select = h('select', { id: 'model', 'aria-label': 'Model',
                                onchange: () => this.#choose() });
    this.settings_button = icon_button('settings', 'Settings of this chat',
      () => this.#toggle_settings(),
      { 'aria-expanded': 'false', 'aria-controls': 'settings' });
    this.bar = [this.select, h('span', { class: 'space' }),
                this.settings_button];
    this.list = h('ol', { class: 'messages', 'aria-label': 'Messages' });
    this.start = h('div', { class: 'start' });
    this.scroll = h('div', { class: 'scroll', onscroll: () => this.#scrolled() },
      h('div', { class: 'column' }, this.start, this.list));
    this.to_end = icon_button('to_end', 'Go to the end', () => {
      this.#follows = true;
      this.#scroll_to_end();
    }, { class: 'icon-button to-end', hidden: true });
    this.composer = new composer({
      send: (text) => this.#send(text),
      stop: () => talks.stop(),
      edit_last: () => this.#edit_last(),
    });
    this.settings = new settings_panel(() => talks.keep(),
      () => this.#toggle_settings());
    root.append(
      h('div', { class: 'chat' }, this.scroll,
        h('div', { class: 'column foot-column' }, this.to_end,
          this.composer.element)),
      this.settings.element);
    root.addEventListener('keydown', (event) => this.#on_key(event));
    talks.addEventListener('open', () => this.#open());
    talks.addEventListener('messages', () => this.#show());
    status.addEventListener('change', () => this.#show_models());
    this.#open();
  }

  focus() {
    // Where there is no keyboard, one would come up over the chat.
    if (has_keyboard()) this.composer.field.focus();
    this.#scroll_to_end();
  }

  // -- models -----------------------------------------------------------------

  #show_models() {
    const { chat } = this.talks;
    const active = active_models();
    // A chat that has not begun takes what there is.
    const is_open = !chat.model
      || (chat.messages.length === 0 && !active.includes(chat.model));
    if (is_open && active.length > 0) [chat.model] = active;
    const names = [...active];
    if (chat.model && !names.includes(chat.model)) names.push(chat.model);
    const shown = names.map((name) =>
      active.includes(name) ? name : `${name} (not active)`);
    if (this.select.dataset.names !== JSON.stringify(shown)) {
      this.select.dataset.names = JSON.stringify(shown);
      this.select.replaceChildren(...names.map((name, i) =>
        h('option', { value: name }, shown[i])));
      if (names.length === 0)
        this.select.append(h('option', { value: '' }, 'No active model'));
    }
    this.select.value = chat.model;
    this.#show_start();
  }

  #choose() {
    this.talks.chat.model = this.select.value;
    this.talks.keep();
    this.#show_start();
  }

  // -- messages ---------------------------------------------------------------

  #open() {
    this.#follows = true;
    this.settings.show(this.talks.chat.settings);
    this.#show_models();
    this.#show();
  }

  #send(text) {
    if (this.talks.running) return false;
    if (!this.talks.chat.model) {
      notify('No model is active. Activate one in the view Models.');
      return false;
    }
    this.#follows = true;
    this.talks.send(text);
    return true;
  }

  #show() {
    const { chat, running } = this.talks;
    this.list.replaceChildren(...chat.messages.map((message, i) =>
      this.#element_of(message, i)));
    this.composer.set_running(Boolean(running));
    if (running) this.#follow(running.reply);
    this.#draw();
    this.#show_start();
  }

  // Kept while it says the same.
  #element_of(message, index) {
    const kept = this.#views.get(message);
    if (kept) return kept.element;
    const view = message.role === 'user'
      ? { element: user_message(message, (text) => this.#edit(index, text)) }
      : new agent_message(message, {
          again: () => this.#unless_busy(() => this.talks.again()),
          go_on: () => this.#unless_busy(() => this.talks.go_on()),
        }, announce);
    this.#views.set(message, view);
    return view.element;
  }

  #unless_busy(action) {
    if (!this.talks.running) action();
    this.composer.field.focus();
  }

  #edit(index, text) {
    this.#unless_busy(() => this.talks.edit(index, text));
  }

  #edit_last() {
    const fields = this.list.querySelectorAll('.user [aria-label="Edit message"]');
    [...fields].at(-1)?.click();
  }

  // Draws with the next frame, however many events come before.
  #follow(reply) {
    if (reply.is_followed) return;
    reply.is_followed = true;
    reply.addEventListener('change', () => {
      if (this.talks.running?.reply !== reply || this.#is_drawn) return;
      this.#is_drawn = true;
      requestAnimationFrame(() => {
        this.#is_drawn = false;
        this.#draw_last();
      });
    });
    reply.addEventListener('end', () => this.#mark_setting(reply.facts.error));
  }

  #draw() {
    const { messages } = this.talks.chat;
    for (let i = 0; i < messages.length; ++i) this.#draw_message(i);
    this.#scroll_to_end();
  }

  #draw_last() {
    this.#draw_message(this.talks.chat.messages.length - 1);
    this.#scroll_to_end();
  }

  #draw_message(index) {
    const { chat, running } = this.talks;
    const message = chat.messages[index];
    const is_last = index === chat.messages.length - 1;
    this.#views.get(message)?.show?.({
      is_running: running?.message === message,
      is_last,
    });
  }

  #mark_setting(error) {
    if (error?.param) this.settings.mark(error.param, true);
  }

  // -- an empty chat ----------------------------------------------------------

  #show_start() {
    const { chat } = this.talks;
    this.start.hidden = chat.messages.length > 0;
    if (this.start.hidden) return;
    const what = this.#start_state();
    const suggestions = suggestions_of(chat.model);
    const shown = what === 'ready' ? `ready ${suggestions[0]}` : what;
    if (this.start.dataset.what === shown) return;
    this.start.dataset.what = shown;
    const words = {
      ready: 'What would you like to know?',
      none: 'No model is active yet.',
      asking: 'Looking for the server…',
    };
    put(this.start,
      h('h2', {}, words[what] ?? what),
      what === 'none' && h('a', { class: 'button strong', href: '#models' },
        'Activate a model'),
      what === 'ready' && h('div', { class: 'suggestions' },
        suggestions.map((text) =>
          h('button', { type: 'button', class: 'suggestion',
                        onclick: () => this.#suggest(text) }, text))));
  }

  #start_state() {
    if (active_models().length > 0) return 'ready';
    if (status.error) return status.error.message;
    return status.value ? 'none' : 'asking';
  }

  #suggest(text) {
    this.#send(text);
    this.composer.field.focus();
  }

  // -- moving about -----------------------------------------------------------

  #on_key(event) {
    if (event.key !== 'Escape') return;
    if (this.talks.running) this.talks.stop();
    else if (!this.settings.element.hidden) this.#toggle_settings();
  }

  #toggle_settings() {
    const { element } = this.settings;
    element.hidden = !element.hidden;
    this.settings_button.setAttribute('aria-expanded', !element.hidden);
    if (element.hidden) this.settings_button.focus();
    // A field would bring up the keyboard of a phone.
    else if (has_keyboard()) element.querySelector('textarea').focus();
    else element.querySelector('button').focus();
  }

  #scrolled() {
    const { scrollHeight, scrollTop, clientHeight } = this.scroll;
    this.#follows = scrollHeight - scrollTop - clientHeight < near_end;
    this.to_end.hidden = this.#follows;
  }

  #scroll_to_end() {
    if (this.#follows) this.scroll.scrollTop = this.scroll.scrollHeight;
  }
}
