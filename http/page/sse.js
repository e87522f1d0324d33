// Reads server-sent events out of a text that comes in pieces.

export class event_reader {
  #rest = '';
  #id = '';
  #data = [];

  /** The events that this piece completes, each with its id and its data. */
  feed(piece) {
    const lines = (this.#rest + piece).split('\n');
    this.#rest = lines.pop();
    const events = [];
    for (const line of lines) this.#take(line.replace(/\r$/, ''), events);
    return events;
  }

  #take(line, events) {
    if (line === '') {
      if (this.#data.length > 0)
        events.push({ id: this.#id, data: this.#data.join('\n') });
      this.#id = '';
      this.#data = [];
      return;
    }
    const colon = line.indexOf(':');
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (name === 'data') this.#data.push(value);
    else if (name === 'id') this.#id = value;
  }
}
