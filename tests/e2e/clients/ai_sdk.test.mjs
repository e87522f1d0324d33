// The AI SDK, through its provider for compatible servers, against the real
// program.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { APICallError, generateText, streamText } from 'ai';
import { base_url, comes_to, endless, hello, key } from './server.mjs';

const provider = createOpenAICompatible({
  name: 'model-server',
  baseURL: base_url,
  apiKey: key,
  includeUsage: true,
});

const chat = {
  model: provider('tiny-chat'),
  messages: hello,
  seed: 7,
  maxOutputTokens: 12,
  maxRetries: 0,
};

test('a whole text with its usage', async () => {
  const { text, usage, finishReason } = await generateText(chat);
  assert.ok(text.length > 0);
  assert.ok(['stop', 'length'].includes(finishReason));
  assert.ok(usage.inputTokens > 0);
  assert.equal(usage.totalTokens, usage.inputTokens + usage.outputTokens);
});

test('a streamed text is the whole one and has its usage', async () => {
  const whole = await generateText(chat);
  const result = streamText(chat);
  let text = '';
  for await (const piece of result.textStream) text += piece;
  assert.equal(text, whole.text);
  assert.equal(await result.finishReason, whole.finishReason);
  assert.equal((await result.usage).outputTokens, whole.usage.outputTokens);
});

test('a completion', async () => {
  const { text } = await generateText({
    model: provider.completionModel('tiny-chat'),
    prompt: 'How do I add a device?',
    maxOutputTokens: 6,
    maxRetries: 0,
  });
  assert.equal(typeof text, 'string');
});

test('errors have their status and message', async () => {
  await assert.rejects(
    generateText({ ...chat, model: provider('nobody') }),
    (error) => {
      assert.ok(APICallError.isInstance(error));
      assert.equal(error.statusCode, 404);
      assert.equal(error.data.error.code, 'model_not_found');
      return true;
    },
  );
  await assert.rejects(
    generateText({
      ...chat,
      model: provider('short'),
      prompt: 'x'.repeat(99),
      messages: undefined,
    }),
    (error) =>
      error.statusCode === 400 &&
      error.data.error.code === 'context_length_exceeded',
  );
});

test('an error in mid-stream is part of the stream', async () => {
  const errors = [];
  const result = streamText({
    model: provider('fault'),
    prompt: 'len=9 nan@5',
    maxRetries: 0,
    onError: ({ error }) => errors.push(error),
  });
  let text = '';
  for await (const part of result.fullStream)
    if (part.type === 'text-delta') text += part.text;
  assert.match(text, /^1:/);
  assert.equal(errors.length, 1);
  assert.match(String(errors[0].message ?? errors[0]), /NaN/);
});

test('a client that aborts frees its place', async () => {
  const abort = new AbortController();
  const result = streamText({
    model: provider('fault'),
    messages: endless,
    maxRetries: 0,
    abortSignal: abort.signal,
    onError: () => {},
  });
  for await (const part of result.fullStream)
    if (part.type === 'text-delta') abort.abort();
  await comes_to('fault', 0);
});
