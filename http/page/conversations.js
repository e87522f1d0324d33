// The chats, the one that is shown, and the replies that are on their way.
import { new_chat, request_of } from './chats.js';
import { running_reply } from './replies.js';

const save_every = 2000; // milliseconds

/**
 * Tells `open` when another chat is shown, `messages` when the shown one has
 * other messages, and `full` when the browser does not keep them.
 */
export class conversations extends EventTarget {
  #running = new Map(); // id of a chat to {chat, reply, message}

  constructor(store) {
    super();
    this.store = store;
    this.chat = store.list()[0] ?? new_chat('');
  }

  /** The reply on its way in the shown chat, with its message; or undefined. */
  get running() {
    return this.#running.get(this.chat.id);
  }

  is_running(id) {
    return this.#running.has(id);
  }

  open(id) {
    const chat = this.#running.get(id)?.chat ?? this.store.find(id);
    if (chat) this.#show(chat);
  }

  create() {
    this.#show(new_chat(this.chat.model, this.chat.settings));
  }

  /** Returns what brings it back. */
  remove(id) {
    this.#running.get(id)?.reply.stop();
    this.#running.delete(id);
    const removed = this.store.find(id);
    this.store.remove(id);
    if (id === this.chat.id) {
      const next = this.store.list()[0];
      this.#show(next ?? new_chat(this.chat.model, this.chat.settings));
    }
    return () => {
      this.#save(removed);
      this.open(id);
    };
  }

  /** Keeps what was changed about the shown chat itself. */
  keep() {
    if (this.chat.messages.length > 0) this.#save(this.chat);
  }

  send(text) {
    this.chat.messages.push({ role: 'user', content: text });
    this.#ask();
  }

  /** Says something else in place of a message; what came after it goes. */
  edit(index, text) {
    this.chat.messages.length = index;
    this.send(text);
  }

  /** Asks for the reply to the last message of the user again. */
  again() {
    if (this.chat.messages.at(-1)?.role === 'agent') this.chat.messages.pop();
    this.#ask();
  }

  /** Lets a reply that ended too soon go on. */
  go_on() {
    this.#ask(this.chat.messages.pop().content);
  }

  stop() {
    this.running?.reply.stop();
  }

  #show(chat) {
    this.chat = chat;
    this.dispatchEvent(new Event('open'));
  }

  #ask(begun = '') {
    const { chat } = this;
    const messages = chat.messages.filter(({ content }) => content !== '');
    if (begun) messages.push({ role: 'agent', content: begun });
    const request = request_of({ ...chat, messages });
    const reply = new running_reply(chat.model, request, begun);
    const message = { role: 'agent', content: begun };
    chat.messages.push(message);
    this.#running.set(chat.id, { chat, reply, message });
    this.#keep_up(chat, reply, message);
    this.dispatchEvent(new Event('messages'));
  }

  // The message is what the reply has so far.
  #keep_up(chat, reply, message) {
    const take = () => {
      message.content = reply.text;
      message.facts = reply.facts;
    };
    const is_wanted = () => this.#running.get(chat.id)?.reply === reply;
    const timer = setInterval(() => {
      take();
      if (is_wanted()) this.#save(chat);
    }, save_every);
    this.#save(chat);
    reply.addEventListener('change', take);
    reply.addEventListener('end', () => {
      take();
      clearInterval(timer);
      if (!is_wanted()) return;
      this.#running.delete(chat.id);
      this.#save(chat);
      if (chat === this.chat) this.dispatchEvent(new Event('messages'));
    });
  }

  #save(chat) {
    chat.changed = Date.now();
    try {
      this.store.save(chat);
    } catch {
      this.dispatchEvent(new Event('full'));
    }
  }
}
