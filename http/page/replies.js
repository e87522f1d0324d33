// Replies in progress. They go on whatever view is shown.
import { call } from './api.js';

/** Those of this page; tells `change` when one comes or goes. */
export const running_replies = new (class extends EventTarget {
  #all = new Set();

  [Symbol.iterator]() {
    return this.#all.values();
  }

  add(reply) {
    this.#all.add(reply);
    this.dispatchEvent(new Event('change'));
  }

  remove(reply) {
    this.#all.delete(reply);
    this.dispatchEvent(new Event('change'));
  }
})();

/**
 * One reply. Tells `change` when there is more of it, and `end` once.
 *
 * `facts` is what to keep of it: `model`, `devices` (where it was made, a list
 * of `{name, from}`, the number of the first token there), `tokens`, `first`
 * and `seconds` (until the first token, and in all), and at its end `finish`
 * (`stop`, `length`, `stopped`, `failed`), `seed`, `cached` and `error`.
 */
export class running_reply extends EventTarget {
  #stopper = new AbortController();
  #begun = performance.now();

  constructor(model, request, text = '') {
    super();
    this.model = model;
    this.request = request;
    this.text = text;
    this.facts = { model, devices: [], tokens: 0 };
    this.is_over = false;
    running_replies.add(this);
    this.#run();
  }

  /** Ends it early; the server's place is free at once. */
  stop() {
    this.#stopper.abort();
  }

  async #run() {
    try {
      const { signal } = this.#stopper;
      for await (const event of call(this.model, this.request, signal))
        this.#take(event);
    } catch (error) {
      const was_stopped = error.name === 'AbortError';
      this.facts.finish = was_stopped ? 'stopped' : 'failed';
      if (!was_stopped) this.facts.error = told(error);
    }
    this.facts.seconds = this.#seconds();
    this.is_over = true;
    running_replies.remove(this);
    this.dispatchEvent(new Event('end'));
  }

  #seconds() {
    return (performance.now() - this.#begun) / 1000;
  }

  #take({ token, delta, device, finish_reason, seed, usage }) {
    const { facts } = this;
    facts.first ??= this.#seconds();
    if (device && device !== facts.devices.at(-1)?.name)
      facts.devices.push({ name: device, from: facts.tokens + 1 });
    facts.tokens = token;
    this.text += delta?.content ?? '';
    if (finish_reason)
      Object.assign(facts, {
        finish: finish_reason,
        seed,
        cached: usage?.cached_tokens,
      });
    this.dispatchEvent(new Event('change'));
  }
}

function told({ message, code, param }) {
  return { message, code: code ?? '', param: param ?? null };
}

// Below this, what comes at once says more of the network than of the model.
const least_time = 0.2; // seconds

/** Tokens a second once they came, or null if it was too short to tell. */
export function pace({ tokens, first, seconds }) {
  const time = seconds - first;
  return tokens > 1 && time >= least_time ? (tokens - 1) / time : null;
}
