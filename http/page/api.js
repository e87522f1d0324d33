// Talks to the server that the page came from.
import { event_reader } from './sse.js';

const key_name = 'model-server.key';

/** An answer that is an error, in the server's own words. */
export class api_error extends Error {
  constructor(message, { code = '', param = null, status = 0 } = {}) {
    super(message);
    this.code = code;
    this.param = param;
    this.status = status;
  }
}

/** Tells whoever listens that the server wants a key: `key-wanted`. */
export const doorbell = new EventTarget();

/** The key lives as long as the tab. */
export const api_key = {
  get: () => sessionStorage.getItem(key_name) ?? '',
  set: (key) =>
    key
      ? sessionStorage.setItem(key_name, key)
      : sessionStorage.removeItem(key_name),
};

// Also right where a proxy serves the page below some path.
function address(path) {
  return new URL(path, document.baseURI);
}

function address_of_model(model, action) {
  const name = model.split('/').map(encodeURIComponent).join('/');
  return `api/v1/${name}/${action}`;
}

async function ask(path, body, signal) {
  const headers = {};
  const key = api_key.get();
  if (key) headers.Authorization = `Bearer ${key}`;
  let response;
  try {
    response = await fetch(address(path), {
      method: body === undefined ? 'GET' : 'POST',
      body: body === undefined ? undefined : JSON.stringify(body),
      headers,
      signal,
      cache: 'no-store',
    });
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw new api_error('The server cannot be reached.', {
      code: 'unreachable',
    });
  }
  if (!response.ok) throw await error_of(response);
  return response;
}

async function error_of(response) {
  let told;
  try {
    told = (await response.json()).error;
  } catch {
    // Not the server's own: a proxy between, say.
  }
  const error = new api_error(
    told?.message ?? `The server answered with status ${response.status}.`,
    { ...told, status: response.status },
  );
  if (response.status === 401)
    doorbell.dispatchEvent(new CustomEvent('key-wanted', { detail: error }));
  return error;
}

/**
 * Every model with its entities, and every machine with its devices. A key that
 * may call and no more gets the models alone, and in `refusal` why.
 */
export async function get_status() {
  try {
    return await (await ask('api/v1/')).json();
  } catch (error) {
    if (error.status !== 403) throw error;
    const { data } = await (await ask('v1/models')).json();
    const named = data.map(({ id, entry, state, load }) =>
      [id, { entry, state, load, batch_size: 0, entities: [] }]);
    return { models: Object.fromEntries(named), nodes: [], refusal: error };
  }
}

/** The figures, as Prometheus reads them. */
export async function get_metrics() {
  return (await ask('metrics')).text();
}

/** Adds, removes or activates; without a device the server chooses. */
export async function change(model, action, device) {
  const body = device ? { device } : {};
  return (await ask(address_of_model(model, action), body)).json();
}

/**
 * The events of a streamed reply, each with the number of its last token.
 * Throws what ends it early.
 */
export async function* call(model, request, signal) {
  const path = address_of_model(model, 'call');
  const response = await ask(path, { ...request, stream: true }, signal);
  const pieces = response.body.pipeThrough(new TextDecoderStream()).getReader();
  const reader = new event_reader();
  for (;;) {
    const { done, value } = await next_piece(pieces);
    if (done) throw broken_off();
    for (const { id, data } of reader.feed(value)) {
      if (data === '[DONE]') return;
      const event = JSON.parse(data);
      if (event.error) throw new api_error(event.error.message, event.error);
      yield { ...event, token: Number(id) };
    }
  }
}

async function next_piece(pieces) {
  try {
    return await pieces.read();
  } catch (error) {
    if (error.name === 'AbortError') throw error;
    throw broken_off();
  }
}

function broken_off() {
  return new api_error(
    'The connection broke off before the reply was complete.',
    { code: 'broken_stream' },
  );
}
