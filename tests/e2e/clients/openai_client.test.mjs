// The client of OpenAI for JavaScript against the real program.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import OpenAI from 'openai';
import { base_url, comes_to, endless, hello, key } from './server.mjs';

const client = new OpenAI({
  baseURL: base_url,
  apiKey: key,
  maxRetries: 0,
});

const chat = {
  model: 'tiny-chat',
  messages: hello,
  seed: 7,
  max_completion_tokens: 12,
};

async function chunks_of(request) {
  const chunks = [];
  const stream = await client.chat.completions.create({
    ...request,
    stream: true,
  });
  for await (const chunk of stream) chunks.push(chunk);
  return chunks;
}

function text_of(chunks) {
  return chunks
    .map((chunk) => chunk.choices[0]?.delta.content ?? '')
    .join('');
}

test('a whole chat', async () => {
  const reply = await client.chat.completions.create(chat);
  assert.equal(reply.object, 'chat.completion');
  assert.match(reply.id, /^chatcmpl-/);
  assert.equal(reply.model, 'tiny-chat');
  assert.equal(reply.choices.length, 1);
  const [choice] = reply.choices;
  assert.equal(choice.message.role, 'assistant');
  assert.ok(choice.message.content.length > 0);
  assert.equal(choice.logprobs, null);
  assert.ok(['stop', 'length'].includes(choice.finish_reason));
  const { usage } = reply;
  assert.ok(usage.prompt_tokens > 0);
  assert.equal(
    usage.total_tokens,
    usage.prompt_tokens + usage.completion_tokens,
  );
  assert.ok(reply._request_id);
});

test('a stream says what the whole chat says', async () => {
  const whole = await client.chat.completions.create(chat);
  const chunks = await chunks_of(chat);
  assert.equal(text_of(chunks), whole.choices[0].message.content);
  for (const chunk of chunks) {
    assert.equal(chunk.object, 'chat.completion.chunk');
    assert.equal(chunk.id, chunks[0].id);
    assert.equal(chunk.created, chunks[0].created);
    assert.ok(!('usage' in chunk));
    assert.ok(!('error' in chunk));
  }
  assert.deepEqual(chunks[0].choices[0].delta, {
    role: 'assistant',
    content: '',
  });
  const last = chunks.at(-1).choices[0];
  assert.deepEqual(last.delta, {});
  assert.equal(last.finish_reason, whole.choices[0].finish_reason);
});

test('the stream helper puts the message together', async () => {
  const whole = await client.chat.completions.create(chat);
  const final = await client.chat.completions
    .stream({ ...chat, stream_options: { include_usage: true } })
    .finalChatCompletion();
  assert.equal(final.choices[0].message.role, 'assistant');
  assert.equal(
    final.choices[0].message.content,
    whole.choices[0].message.content,
  );
  assert.equal(
    final.usage.completion_tokens,
    whole.usage.completion_tokens,
  );
});

test('a stream with usage', async () => {
  const chunks = await chunks_of({
    ...chat,
    stream_options: { include_usage: true },
  });
  const last = chunks.pop();
  assert.deepEqual(last.choices, []);
  assert.ok(last.usage.completion_tokens > 0);
  for (const chunk of chunks) assert.equal(chunk.usage, null);
});

test('empty stream options ask for nothing', async () => {
  for (const chunk of await chunks_of({ ...chat, stream_options: {} }))
    assert.ok(!('usage' in chunk));
});

test('several choices, whole and put together from a stream', async () => {
  const request = { ...chat, n: 3, temperature: 1 };
  const whole = await client.chat.completions.create(request);
  assert.deepEqual(
    whole.choices.map((choice) => choice.index),
    [0, 1, 2],
  );
  const second = await client.chat.completions.create({
    ...chat,
    temperature: 1,
    seed: chat.seed + 1,
  });
  const texts = whole.choices.map((choice) => choice.message.content);
  assert.equal(texts[1], second.choices[0].message.content);
  assert.equal(whole.usage.prompt_tokens, second.usage.prompt_tokens);
  const final = await client.chat.completions
    .stream({ ...request, stream_options: { include_usage: true } })
    .finalChatCompletion();
  assert.deepEqual(
    final.choices.map((choice) => choice.message.content),
    texts,
  );
});

test('logprobs, whole and streamed', async () => {
  const request = { ...chat, logprobs: true, top_logprobs: 2 };
  const whole = await client.chat.completions.create(request);
  const { content, refusal } = whole.choices[0].logprobs;
  assert.equal(refusal, null);
  assert.equal(content.length, whole.usage.completion_tokens);
  for (const each of content) {
    assert.ok(each.logprob <= 0);
    assert.equal(each.top_logprobs.length, 2);
  }
  assert.equal(
    Buffer.from(content.flatMap((each) => each.bytes)).toString().trimStart(),
    whole.choices[0].message.content.trimStart(),
  );
  const chunks = await chunks_of(request);
  const streamed = chunks.flatMap(
    (chunk) => chunk.choices[0].logprobs?.content ?? [],
  );
  assert.deepEqual(streamed, content);
});

test('an unknown model is not found', async () => {
  await assert.rejects(
    client.chat.completions.create({ ...chat, model: 'nobody' }),
    (error) => {
      assert.ok(error instanceof OpenAI.NotFoundError);
      assert.equal(error.code, 'model_not_found');
      assert.ok(error.requestID);
      return true;
    },
  );
});

test('a wrong field is a bad request that names it', async () => {
  await assert.rejects(
    client.chat.completions.create({ ...chat, temperature: 9 }),
    (error) => {
      assert.ok(error instanceof OpenAI.BadRequestError);
      assert.equal(error.param, 'temperature');
      assert.equal(error.type, 'invalid_request_error');
      return true;
    },
  );
});

test('tools are refused and not passed over', async () => {
  const tools = [
    { type: 'function', function: { name: 'f', parameters: {} } },
  ];
  await assert.rejects(
    client.chat.completions.create({ ...chat, tools }),
    (error) => error.status === 400 && error.param === 'tools',
  );
});

test('a prompt that is too long is told with both counts', async () => {
  for (const stream of [false, true])
    await assert.rejects(
      client.chat.completions.create({
        model: 'short',
        stream,
        messages: [{ role: 'user', content: 'x'.repeat(99) }],
      }),
      (error) => {
        assert.ok(error instanceof OpenAI.BadRequestError);
        assert.equal(error.code, 'context_length_exceeded');
        assert.equal(error.param, 'messages');
        assert.match(error.message, /100 tokens.*16/);
        return true;
      },
    );
});

test('a model without an entity is out of service', async () => {
  await assert.rejects(
    client.chat.completions.create({ ...chat, model: 'idle' }),
    (error) => {
      assert.ok(error instanceof OpenAI.InternalServerError);
      assert.equal(error.status, 503);
      assert.ok(Number(error.headers.get('retry-after')) >= 1);
      return true;
    },
  );
});

test('an error in mid-stream is thrown', async () => {
  const messages = [{ role: 'user', content: 'len=9 nan@5' }];
  let text = '';
  await assert.rejects(
    async () => {
      const stream = await client.chat.completions.create({
        model: 'fault',
        messages,
        stream: true,
      });
      for await (const chunk of stream)
        text += chunk.choices[0].delta.content ?? '';
    },
    (error) => error instanceof OpenAI.APIError && /NaN/.test(error.message),
  );
  assert.match(text, /^1:/);
});

test('a client that aborts frees its place', async () => {
  const stream = await client.chat.completions.create({
    model: 'fault',
    messages: endless,
    stream: true,
  });
  for await (const chunk of stream)
    if (chunk.choices[0].delta.content) break; // which aborts
  await comes_to('fault', 0);
});

test('completions, whole and streamed, with logprobs', async () => {
  const request = {
    model: 'tiny-chat',
    prompt: 'How do I add a device?',
    max_tokens: 6,
    ignore_eos: true, // whatever the model was taught to say here
    temperature: 0,
    logprobs: 2,
  };
  const whole = await client.completions.create(request);
  assert.equal(whole.object, 'text_completion');
  const { text, logprobs } = whole.choices[0];
  assert.equal(logprobs.tokens.length, whole.usage.completion_tokens);
  assert.equal(logprobs.text_offset[0], 0);
  let streamed = '';
  const stream = await client.completions.create({ ...request, stream: true });
  for await (const chunk of stream) streamed += chunk.choices[0].text;
  assert.equal(streamed, text);
});

test('models are listed and found', async () => {
  const names = [];
  for await (const model of client.models.list()) {
    assert.equal(model.object, 'model');
    assert.equal(typeof model.created, 'number');
    assert.equal(typeof model.owned_by, 'string');
    names.push(model.id);
  }
  assert.deepEqual(names.sort(), [
    'fault',
    'idle',
    'org/echo',
    'short',
    'tiny-chat',
  ]);
  const found = await client.models.retrieve('org/echo');
  assert.equal(found.id, 'org/echo');
  await assert.rejects(
    client.models.retrieve('nobody'),
    (error) => error instanceof OpenAI.NotFoundError,
  );
});

function client_with(apiKey) {
  return new OpenAI({ baseURL: base_url, apiKey, maxRetries: 0 });
}

test('a key that is wrong', async () => {
  await assert.rejects(
    client_with('sk-that-nobody-has').models.list(),
    (error) =>
      error instanceof OpenAI.AuthenticationError &&
      error.code === 'invalid_api_key',
  );
});

test('a key that is used too often', async () => {
  const rare = client_with('sk-that-is-rarely-used');
  const { response } = await rare.models.list().withResponse();
  assert.equal(response.headers.get('x-ratelimit-limit-requests'), '1');
  assert.equal(response.headers.get('x-ratelimit-remaining-requests'), '0');
  await assert.rejects(
    rare.models.list(),
    (error) =>
      error instanceof OpenAI.RateLimitError &&
      error.code === 'rate_limit_exceeded' &&
      Number(error.headers.get('retry-after')) > 0,
  );
});
