// Markdown within a paragraph, to a tree of nodes. Every text is taken in time
// that grows no faster than its length: what models write is not to be trusted.
//
// Nodes: {type: 'text'|'code', text}, {type: 'break'},
// {type: 'em'|'strong'|'strike', children}, {type: 'link', href, children}.

import { flanks, match_runs } from './emphasis.js';

const longest_address = 2000;
const most_brackets = 32; // within each other, in an address
const punctuation = /[!-/:-@[-`{-~]/;
const entities = {
  amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: '\u00a0',
};

/** The address if a click may lead there: http and https alone. */
export function safe_address(text) {
  if (!/^https?:\/\/[^\s/]/i.test(text) || text.length > longest_address)
    return null;
  try {
    return new URL(text).href;
  } catch {
    return null;
  }
}

export function parse_inline(text) {
  return new inline_parser(text).parse();
}

class inline_parser {
  // Flat: texts, codes and breaks; marks that open or close a node; runs of
  // `*`, `_` and `~` that may become such marks.
  #parts = [];
  #runs = [];
  #brackets = [];

  constructor(text) {
    this.text = text;
    this.at = 0;
    this.ticks = tick_runs(text);
  }

  parse() {
    const special = /[\\`*_~[\]!<&\nhH]/g;
    while (this.at < this.text.length) {
      special.lastIndex = this.at;
      const next = special.exec(this.text)?.index ?? this.text.length;
      if (next > this.at) this.#add_text(this.text.slice(this.at, next));
      this.at = next;
      if (next < this.text.length) this.#take_special(this.text[next]);
    }
    match_runs(this.#runs, 0);
    return tree_of(this.#parts);
  }

  #add_text(text) {
    const last = this.#parts.at(-1);
    if (last?.type === 'text') last.text += text;
    else this.#parts.push({ type: 'text', text });
  }

  // Takes at least one character.
  #take_special(c) {
    if (c === '\\') return this.#take_escape();
    if (c === '`') return this.#take_code();
    if (c === '*' || c === '_' || c === '~') return this.#take_run(c);
    if (c === '[') return this.#open_bracket(1);
    if (c === ']') return this.#close_bracket();
    if (c === '\n') return this.#take_line_end();
    if (c === '!' && this.text[this.at + 1] === '[')
      return this.#open_bracket(2);
    if (c === '<' && this.#take_pointed_address()) return;
    if (c === '&' && this.#take_entity()) return;
    if ((c === 'h' || c === 'H') && this.#take_bare_address()) return;
    this.#add_text(c);
    ++this.at;
  }

  #take_escape() {
    const next = this.text[this.at + 1] ?? '';
    this.at += 2;
    if (next === '\n') this.#parts.push({ type: 'break' });
    else this.#add_text(punctuation.test(next) ? next : `\\${next}`);
  }

  // In a chat a new line is meant as one.
  #take_line_end() {
    const last = this.#parts.at(-1);
    if (last?.type === 'text') last.text = last.text.trimEnd();
    this.#parts.push({ type: 'break' });
    ++this.at;
    while (this.text[this.at] === ' ') ++this.at;
  }

  #take_code() {
    const length = this.ticks.length_at.get(this.at);
    const end = this.ticks.next(length, this.at + length);
    if (end === undefined) {
      this.#add_text(this.text.slice(this.at, this.at + length));
      this.at += length;
      return;
    }
    let code = this.text.slice(this.at + length, end).replaceAll('\n', ' ');
    if (code.startsWith(' ') && code.endsWith(' ') && code.trim() !== '')
      code = code.slice(1, -1);
    this.#parts.push({ type: 'code', text: code });
    this.at = end + length;
  }

  #take_run(c) {
    const begin = this.at;
    while (this.text[this.at] === c) ++this.at;
    const count = this.at - begin;
    if (c === '~' && count !== 2) return this.#add_text(c.repeat(count));
    const run = { type: 'run', c, count, opens: [], closes: [] };
    Object.assign(run, flanks(this.text[begin - 1], this.text[this.at], c));
    run.mod = count % 3;
    this.#parts.push(run);
    this.#runs.push(run);
  }

  // A picture is a link to it: the page loads nothing from elsewhere.
  #open_bracket(length) {
    const part = { type: 'mark', text: this.text.slice(this.at, this.at + length) };
    this.#parts.push(part);
    this.#brackets.push({
      part,
      is_image: length === 2,
      runs: this.#runs.length,
    });
    this.at += length;
  }

  #close_bracket() {
    ++this.at;
    const bracket = this.#brackets.pop();
    const target = bracket && link_target(this.text, this.at);
    const href = target && safe_address(target.address);
    if (!href) return this.#add_text(']');
    this.at = target.end;
    match_runs(this.#runs, bracket.runs);
    this.#runs.length = bracket.runs;
    Object.assign(bracket.part, { text: '', opens: [{ type: 'link', href }] });
    this.#parts.push({ type: 'mark', text: '', closes: 1 });
    // There are no links in links.
    if (!bracket.is_image) this.#brackets = [];
  }

  #add_link(href, text) {
    const children = [{ type: 'text', text }];
    this.#parts.push({ type: 'link', href, children });
  }

  #take_pointed_address() {
    const rest = this.text.slice(this.at, this.at + longest_address + 2);
    const address = /^<(https?:[^\s<>]*)>/i.exec(rest)?.[1];
    const href = address && safe_address(address);
    if (!href) return false;
    this.#add_link(href, address);
    this.at += address.length + 2;
    return true;
  }

  #take_bare_address() {
    if (/\w/.test(this.text[this.at - 1] ?? '')) return false;
    // Within a link it is the text of that one.
    if (this.#brackets.length > 0) return false;
    const rest = this.text.slice(this.at, this.at + longest_address);
    let address = /^https?:\/\/[^\s<>`"*]+/i.exec(rest)?.[0];
    if (!address) return false;
    address = without_sentence_end(address);
    const href = safe_address(address);
    if (!href) return false;
    this.#add_link(href, address);
    this.at += address.length;
    return true;
  }

  #take_entity() {
    const found = /^&(?:#(\d{1,7})|#[xX]([\da-fA-F]{1,6})|(\w{2,4}));/.exec(
      this.text.slice(this.at, this.at + 12),
    );
    if (!found) return false;
    const [whole, decimal, hex, name] = found;
    const point = decimal ? Number(decimal) : parseInt(hex, 16);
    const text = name
      ? entities[name]
      : point > 0 && point <= 0x10ffff
        ? String.fromCodePoint(point)
        : '\ufffd';
    if (!text) return false;
    this.#add_text(text);
    this.at += whole.length;
    return true;
  }
}

// Where the runs of backticks are; `next` is asked with growing places.
function tick_runs(text) {
  const length_at = new Map();
  const places = new Map();
  for (const { 0: run, index } of text.matchAll(/`+/g)) {
    length_at.set(index, run.length);
    if (!places.has(run.length)) places.set(run.length, []);
    places.get(run.length).push(index);
  }
  for (const list of places.values()) list.reverse();
  const next = (length, from) => {
    const list = places.get(length) ?? [];
    while (list.length > 0 && list.at(-1) < from) list.pop();
    return list.at(-1);
  };
  return { length_at, next };
}

function link_target(text, at) {
  if (text[at] !== '(') return null;
  const rest = text.slice(at + 1, at + 1 + longest_address);
  const pointed = /^\s*<([^<>\n]*)>/.exec(rest);
  let address, end;
  if (pointed) {
    address = pointed[1];
    end = pointed[0].length;
  } else {
    const begin = /^\s*/.exec(rest)[0].length;
    end = end_of_address(rest, begin);
    address = rest.slice(begin, end);
  }
  const closing = /^(?:\s+(?:"[^"]*"|'[^']*'))?\s*\)/.exec(rest.slice(end));
  return closing && { address, end: at + 1 + end + closing[0].length };
}

// At a space, or at a bracket that closes more than was opened.
function end_of_address(text, at) {
  for (let depth = 0; at < text.length; ++at) {
    const c = text[at];
    if (c === '(' && ++depth > most_brackets) break;
    if (c === ')' && --depth < 0) break;
    if (c === ' ' || c === '\n' || c === '\t') break;
  }
  return at;
}

// An address at the end of a sentence, or in brackets, does not have the mark.
function without_sentence_end(address) {
  let end = address.length;
  const count = (c) => address.split(c).length - 1;
  let unopened = count(')') - count('(');
  for (; end > 0; --end) {
    const last = address[end - 1];
    if (/[.,;:!?'_~\]]/.test(last)) continue;
    if (last !== ')' || unopened <= 0) break;
    --unopened;
  }
  return address.slice(0, end);
}

function tree_of(parts) {
  const root = { children: [] };
  const stack = [root];
  const add = (node) => stack.at(-1).children.push(node);
  const add_text = (text) => {
    if (text !== '') add({ type: 'text', text });
  };
  const open = (node) => {
    const opened = { ...node, children: [] };
    add(opened);
    stack.push(opened);
  };
  for (const part of parts) {
    if (part.type === 'run') {
      for (let i = 0; i < part.closes.length; ++i) stack.pop();
      add_text(part.c.repeat(part.count));
      part.opens.forEach(open);
    } else if (part.type === 'mark') {
      add_text(part.text);
      if (part.closes) stack.pop();
      part.opens?.forEach(open);
    } else if (part.type !== 'text' || part.text !== '') {
      add(part);
    }
  }
  return root.children;
}
