// Event streams, chats, and what is sent for them.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chat_store, new_chat, request_of, title_of } from './chats.js';
import { event_reader } from './sse.js';

function storage(limit = Infinity) {
  const items = new Map();
  return {
    get length() { return items.size; },
    key: (i) => [...items.keys()][i],
    getItem: (key) => items.get(key) ?? null,
    removeItem: (key) => items.delete(key),
    setItem(key, value) {
      if (value.length > limit) throw new Error('full');
      items.set(key, value);
    },
  };
}

test('events come whole, however they are cut', () => {
  const text = 'id: 1\ndata: {"a":1}\n\n: ping\n\nid: 2\r\ndata: b\r\ndata: c\r\n\r\n'
    + 'data: [DONE]\n\ndata: lost';
  const expected = [
    { id: '1', data: '{"a":1}' }, { id: '2', data: 'b\nc' },
    { id: '', data: '[DONE]' },
  ];
  assert.deepEqual(new event_reader().feed(text), expected);
  const reader = new event_reader();
  assert.deepEqual([...text].flatMap((c) => reader.feed(c)), expected);
});

test('a chat is kept, the last changed first', () => {
  const store = new chat_store(storage());
  const [a, b] = [new_chat('m'), new_chat('m')];
  a.changed = 1;
  b.changed = 2;
  store.save(a);
  store.save(b);
  assert.deepEqual(store.list().map(({ id }) => id), [b.id, a.id]);
  assert.deepEqual(store.find(a.id), a);
  store.remove(b.id);
  assert.equal(store.find(b.id), null);
});

test('what is no chat is passed over', () => {
  const items = storage();
  items.setItem('other', '1');
  items.setItem('model-server.chat.x', '{"id":');
  items.setItem('model-server.chat.y', 'null');
  items.setItem('model-server.chat.z', '{"id":"z","messages":[{"role":"root","content":""}]}');
  assert.deepEqual(new chat_store(items).list(), []);
});

test('a full storage is no secret', () => {
  const store = new chat_store(storage(10));
  assert.throws(() => store.save(new_chat('m')), /full/);
});

test('a request has what was set and nothing else', () => {
  const chat = new_chat('m', { system: 'Be brief.', temperature: '0', top_p: '',
                               seed: ' 7 ', junk: '1' });
  chat.messages.push({ role: 'user', content: 'hi', facts: {} });
  assert.deepEqual(request_of(chat), {
    messages: [{ role: 'system', content: 'Be brief.' },
               { role: 'user', content: 'hi' }],
    temperature: 0,
    seed: 7,
  });
});

test('a title is the first words', () => {
  const chat = new_chat('m');
  assert.equal(title_of(chat), 'New chat');
  chat.messages.push({ role: 'user', content: '\n Hello \nthere' });
  assert.equal(title_of(chat), 'Hello');
  chat.messages[0].content = '😀'.repeat(80);
  assert.equal([...title_of(chat)].length, 60);
});
