// The chats that the browser keeps, in the side.
import { title_of } from './chats.js';
import { h, icon, icon_button } from './dom.js';
import { notify } from './notices.js';

const most_shown = 200;

export class chat_list {
  /** `shown` is called when one was chosen. */
  constructor(root, talks, shown) {
    this.talks = talks;
    this.shown = shown;
    this.list = h('ul', { 'aria-label': 'Chats' });
    root.append(
      h('button', { type: 'button', class: 'button new-chat',
                    onclick: () => this.#create() }, icon('add'), 'New chat'),
      this.list);
    for (const event of ['open', 'messages'])
      talks.addEventListener(event, () => this.show());
    talks.store.addEventListener('change', () => this.show());
    // Another tab has changed one.
    window.addEventListener('storage', () => this.show());
    this.show();
  }

  show() {
    const chats = this.talks.store.list().slice(0, most_shown);
    const focused = document.activeElement?.dataset?.chat;
    this.list.replaceChildren(...chats.map((chat) => this.#line(chat)));
    if (focused)
      this.list.querySelector(`[data-chat="${CSS.escape(focused)}"]`)?.focus();
  }

  #line(chat) {
    const title = title_of(chat);
    const is_shown = chat.id === this.talks.chat.id;
    return h('li', { class: this.talks.is_running(chat.id) ? 'running' : null },
      h('button', { type: 'button', class: 'chat-name', 'data-chat': chat.id,
                    'aria-current': is_shown ? 'true' : null, title,
                    onclick: () => this.#open(chat.id) },
        h('span', { dir: 'auto' }, title)),
      icon_button('remove', `Delete the chat "${title}"`,
        () => this.#remove(chat.id)));
  }

  #open(id) {
    this.talks.open(id);
    this.shown();
  }

  #create() {
    this.talks.create();
    this.shown();
  }

  #remove(id) {
    const restore = this.talks.remove(id);
    notify('Chat deleted.', { action: { name: 'Undo', run: restore } });
  }
}
