// One message of a chat, and what one can do with it.
import { copy_button } from './copy_button.js';
import { h, icon_button, put } from './dom.js';
import { markdown_view } from './markdown_view.js';
import { pace } from './replies.js';

/** What a user said; `edit` gets the text that is to be said instead. */
export function user_message({ content }, edit) {
  const text = h('div', { class: 'said', dir: 'auto' }, content);
  const actions = h('div', { class: 'actions' },
    copy_button('Copy message', () => content),
    icon_button('edit', 'Edit message', begin));
  const element = h('li', { class: 'message user' },
    h('h3', { class: 'unseen' }, 'You'), text, actions);

  function begin() {
    const field = h('textarea', { 'aria-label': 'Edit message', dir: 'auto',
                                  onkeydown: on_key });
    field.value = content;
    const end = () => {
      element.replaceChildren(element.firstChild, text, actions);
      actions.lastChild.focus();
    };
    const send = () => {
      if (field.value.trim()) edit(field.value.trim());
    };
    function on_key(event) {
      if (event.key === 'Escape') {
        event.stopPropagation();
        end();
      } else if (event.key === 'Enter' && !event.shiftKey
                 && !event.isComposing) {
        event.preventDefault();
        send();
      }
    }
    element.replaceChildren(element.firstChild,
      h('div', { class: 'editing' }, field,
        h('div', { class: 'editing-foot' },
          h('button', { type: 'button', class: 'button', onclick: end },
            'Cancel'),
          h('button', { type: 'button', class: 'button strong', onclick: send },
            'Send'))));
    field.style.height = `${field.scrollHeight}px`;
    field.focus();
  }
  return element;
}

/**
 * A reply; `show` is called with its message whenever there is more of it.
 * `doing` has `again` and `go_on`.
 */
export class agent_message {
  #content = new markdown_view();
  #read_out = 0;

  constructor(message, doing, announce) {
    this.message = message;
    this.doing = doing;
    this.announce = announce;
    this.actions = h('div', { class: 'actions' });
    this.trail = h('span');
    this.facts = h('span', { class: 'facts' });
    this.trouble = h('div', { class: 'trouble', role: 'alert', hidden: true });
    this.element = h('li', { class: 'message agent' },
      h('h3', { class: 'unseen' }, 'Reply'),
      this.#content.element, this.trouble,
      h('div', { class: 'foot' }, this.actions, this.trail, this.facts));
  }

  show({ is_running, is_last }) {
    const { content } = this.message;
    const facts = this.message.facts ?? {};
    const settled = this.#content.update(content);
    this.element.classList.toggle('running', is_running);
    this.element.classList.toggle('last', is_last);
    this.element.classList.toggle('waiting', is_running && content === '');
    this.element.setAttribute('aria-busy', is_running);
    if (is_running) this.#read(settled);
    else if (this.was_running) this.#read(Infinity);
    this.was_running = is_running;
    this.#show_trouble(facts.error, is_last);
    this.#show_trail(facts.devices ?? []);
    this.facts.textContent = is_running ? '' : in_short(facts);
    this.facts.title = in_detail(facts);
    this.#show_actions(!is_running && content !== '', !is_running && is_last,
      facts);
  }

  // Reads out what will not change any more, a paragraph at a time.
  #read(settled) {
    const count = this.#content.element.childNodes.length;
    for (; this.#read_out < Math.min(settled, count); ++this.#read_out)
      this.announce(this.#content.text_of(this.#read_out));
  }

  // Made anew only where it is another one, as a move is shown once.
  #show_trail(devices) {
    if (this.trail.childElementCount > 0
        && this.trail.dataset.length === String(devices.length)) return;
    this.trail.dataset.length = devices.length;
    put(this.trail, trail(devices));
  }

  #show_actions(has_text, can_go_on, { error, finish }) {
    const what = JSON.stringify([has_text, can_go_on, finish]);
    if (this.actions.dataset.what === what) return;
    this.actions.dataset.what = what;
    put(this.actions,
      has_text && copy_button('Copy reply', () => this.message.content),
      can_go_on && !error
        && icon_button('retry', 'Regenerate', this.doing.again),
      can_go_on && has_text && finish !== 'stop'
        && icon_button('go_on', 'Continue', this.doing.go_on));
  }

  #show_trouble(error, is_last) {
    const what = JSON.stringify([error?.message, is_last]);
    this.trouble.hidden = !error;
    if (!error || this.trouble.dataset.what === what) return;
    this.trouble.dataset.what = what;
    put(this.trouble,
      h('p', {}, error.message),
      error.code && h('code', {}, error.code),
      is_last && h('button', { type: 'button', class: 'button',
                               onclick: this.doing.again }, 'Try again'));
  }
}

/** Where a reply was made: the devices in order, with arrows between. */
export function trail(devices) {
  const parts = devices.flatMap(({ name, from }, i) => [
    i > 0 && h('span', { class: 'arrow', 'aria-label': 'moved to' }, '→'),
    h('span', { class: i + 1 === devices.length ? 'device now' : 'device',
                title: i > 0 ? `moved here at token ${from}` : 'made here' },
      name),
  ]);
  return h('span', { class: 'trail' }, parts);
}

function in_short({ tokens, first, seconds, finish }) {
  const words = [];
  const speed = seconds && pace({ tokens, first, seconds });
  if (tokens) words.push(`${tokens} ${tokens === 1 ? 'token' : 'tokens'}`);
  if (speed) words.push(`${speed.toFixed(speed < 10 ? 1 : 0)} tokens/s`);
  if (finish === 'length') words.push('cut off at its limit');
  else if (finish === 'stopped') words.push('stopped');
  else if (!finish && tokens) words.push('interrupted'); // the tab was closed
  return words.join(' · ');
}

function in_detail({ first, seconds, cached, seed }) {
  const lines = [];
  if (first !== undefined) lines.push(`first token after ${first.toFixed(2)} s`);
  if (seconds !== undefined) lines.push(`${seconds.toFixed(2)} s in all`);
  if (cached) lines.push(`${cached} tokens of the prompt were in the cache`);
  if (seed !== undefined) lines.push(`seed ${seed}`);
  return lines.join('\n');
}
