// Keeps chats in the browser, each under a key of its own so that two tabs do
// not undo each other's.

const prefix = 'model-server.chat.';
const title_length = 60;

/** What a chat may ask for; empty leaves it to the model. */
export const setting_names = [
  'system', 'temperature', 'top_p', 'top_k', 'max_tokens', 'seed',
];

export class chat_store extends EventTarget {
  /** `storage` is the browser's, or like it. */
  constructor(storage) {
    super();
    this.storage = storage;
  }

  /** All of them, the last changed first; those that cannot be read are not. */
  list() {
    const chats = [];
    for (let i = 0; i < this.storage.length; ++i) {
      const key = this.storage.key(i);
      const chat = key.startsWith(prefix) && this.#read(key);
      if (chat) chats.push(chat);
    }
    return chats.sort((a, b) => b.changed - a.changed);
  }

  find(id) {
    return this.#read(prefix + id);
  }

  /** Throws when the browser has no more room. */
  save(chat) {
    this.storage.setItem(prefix + chat.id, JSON.stringify(chat));
    this.dispatchEvent(new Event('change'));
  }

  remove(id) {
    this.storage.removeItem(prefix + id);
    this.dispatchEvent(new Event('change'));
  }

  #read(key) {
    try {
      const chat = JSON.parse(this.storage.getItem(key));
      return is_chat(chat) ? chat : null;
    } catch {
      return null;
    }
  }
}

function is_chat(value) {
  return (
    typeof value?.id === 'string'
    && Array.isArray(value.messages)
    && value.messages.every(
      ({ role, content }) =>
        (role === 'user' || role === 'agent') && typeof content === 'string',
    )
  );
}

/** An empty one; settings are copied. */
export function new_chat(model, settings = {}) {
  return {
    id: `${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 8)}`,
    model,
    settings: { ...settings },
    messages: [],
    changed: Date.now(),
  };
}

/** Its first words. */
export function title_of(chat) {
  const words = chat.messages[0]?.content.trim().split('\n')[0].trim() ?? '';
  if (words === '') return 'New chat';
  const letters = [...words];
  return letters.length > title_length
    ? `${letters.slice(0, title_length - 1).join('')}…`
    : words;
}

/** What to send for the chat as it stands. */
export function request_of({ settings, messages }) {
  const request = {
    messages: messages.map(({ role, content }) => ({ role, content })),
  };
  const { system, ...numbers } = settings;
  if (system?.trim())
    request.messages.unshift({ role: 'system', content: system });
  for (const [name, text] of Object.entries(numbers))
    if (setting_names.includes(name) && String(text).trim() !== '')
      request[name] = Number(text);
  return request;
}
