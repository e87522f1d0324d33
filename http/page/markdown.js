// Markdown to a tree of blocks: what models write, which is CommonMark's
// paragraphs, headings, lists, quotes and fenced code with GitHub's tables and
// task lists. HTML is text. A fence that is not closed yet goes on to the end.
// What a model thinks before it speaks, in <think>, is a block of its own.
import { parse_inline } from './inline.js';

const deepest = 12; // quotes and lists within each other; text below that
const most_columns = 64;

/**
 * The blocks of a text. Each has its `source`: equal sources are equal blocks.
 *
 *   {type: 'paragraph', inlines}, {type: 'heading', level, inlines},
 *   {type: 'code', language, text, is_open}, {type: 'rule'},
 *   {type: 'quote', blocks}, {type: 'thought', blocks, is_open},
 *   {type: 'list', start, is_tight, items: [{is_done, blocks}]},
 *   {type: 'table', aligns, head: [inlines], rows: [[inlines]]}
 *
 * `start` is null of a list of bullets, `is_done` of an item without a box.
 */
export function parse_markdown(text) {
  const { thought, rest } = without_thought(text.replace(/\r\n?/g, '\n'));
  const blocks = blocks_of(rest.split('\n'), 0);
  return thought ? [thought, ...blocks] : blocks;
}

function without_thought(text) {
  const begin = /^\s*<think>/.exec(text)?.[0].length;
  if (!begin) return { rest: text };
  const found = text.indexOf('</think>', begin);
  const end = found < 0 ? text.length : found;
  const thought = {
    type: 'thought',
    blocks: blocks_of(text.slice(begin, end).split('\n'), 1),
    is_open: found < 0,
    source: text.slice(0, end),
  };
  return { thought, rest: text.slice(end).replace('</think>', '') };
}

function blocks_of(lines, depth) {
  const takers = [take_fence, take_heading, take_rule, take_table];
  if (depth < deepest) takers.push(take_quote, take_list);
  takers.push(take_paragraph);
  const blocks = [];
  for (let at = 0; at < lines.length; ) {
    if (is_blank(lines[at])) {
      ++at;
      continue;
    }
    for (const take of takers) {
      const block = take(lines, at, depth);
      if (!block) continue;
      const { end, ...rest } = block;
      blocks.push({ ...rest, source: lines.slice(at, end).join('\n') });
      at = end;
      break;
    }
  }
  return blocks;
}

const is_blank = (line) => line.trim() === '';
const indent_of = (line) => /^ */.exec(line)[0].length;

// -- code ---------------------------------------------------------------------

function fence_of(line) {
  const found = /^( *)(`{3,}|~{3,})(.*)$/.exec(line);
  if (!found || (found[2][0] === '`' && found[3].includes('`'))) return null;
  return { indent: found[1].length, mark: found[2], info: found[3].trim() };
}

function take_fence(lines, at) {
  const fence = fence_of(lines[at]);
  if (!fence) return null;
  const text = [];
  let end = at + 1;
  for (; end < lines.length; ++end) {
    const closing = fence_of(lines[end]);
    if (closing && closing.info === '' && closing.mark.startsWith(fence.mark))
      break;
    text.push(without_indent(lines[end], fence.indent));
  }
  const is_open = end === lines.length;
  return {
    type: 'code',
    language: fence.info.split(/\s/)[0].slice(0, 40),
    text: text.join('\n'),
    is_open,
    end: is_open ? end : end + 1,
  };
}

function without_indent(line, most) {
  return line.slice(Math.min(indent_of(line), most));
}

// -- headings and rules -------------------------------------------------------

function take_heading(lines, at) {
  const found = /^ {0,3}(#{1,6})(?:[ \t](.*))?$/.exec(lines[at]);
  if (!found) return null;
  const inlines = parse_inline(without_closing_marks((found[2] ?? '').trim()));
  return { type: 'heading', level: found[1].length, inlines, end: at + 1 };
}

// `# Title #` is the same as `# Title`.
function without_closing_marks(text) {
  let end = text.length;
  while (text[end - 1] === '#') --end;
  const are_apart = end === 0 || /\s/.test(text[end - 1]);
  return are_apart ? text.slice(0, end).trimEnd() : text;
}

function take_rule(lines, at) {
  const marks = lines[at].replace(/[ \t]/g, '');
  const is_rule =
    indent_of(lines[at]) < 4 && /^(?:-{3,}|_{3,}|\*{3,})$/.test(marks);
  return is_rule ? { type: 'rule', end: at + 1 } : null;
}

// -- tables -------------------------------------------------------------------

// Cells of a row; a bar after a backslash, or within code, parts none.
function cells_of(line) {
  const text = line.trim().replace(/^\|/, '');
  const cells = [''];
  let in_code = false;
  for (let i = 0; i < text.length; ++i) {
    if (text[i] === '|' && !in_code) {
      cells.push('');
      continue;
    }
    if (text[i] === '`') in_code = !in_code;
    if (text[i] === '\\' && text[i + 1] === '|') ++i;
    cells[cells.length - 1] += text[i];
  }
  if (cells.length > 1 && is_blank(cells.at(-1))) cells.pop();
  return cells.slice(0, most_columns).map((cell) => cell.trim());
}

function aligns_of(line) {
  if (line === undefined || !/^[ \t|:-]+$/.test(line)) return null;
  const cells = cells_of(line);
  if (!cells.every((cell) => /^:?-+:?$/.test(cell))) return null;
  return cells.map((cell) => {
    if (cell.endsWith(':')) return cell.startsWith(':') ? 'center' : 'right';
    return 'left';
  });
}

function take_table(lines, at) {
  if (!lines[at].includes('|')) return null;
  const aligns = aligns_of(lines[at + 1]);
  const head = aligns && cells_of(lines[at]);
  if (!head || head.length !== aligns.length) return null;
  const rows = [];
  let end = at + 2;
  for (; end < lines.length && lines[end].includes('|'); ++end) {
    const cells = cells_of(lines[end]);
    rows.push(aligns.map((_, i) => parse_inline(cells[i] ?? '')));
  }
  return { type: 'table', aligns, head: head.map(parse_inline), rows, end };
}

// -- quotes and lists ---------------------------------------------------------

const quote_mark = /^ {0,3}> ?/;

function take_quote(lines, at, depth) {
  if (!quote_mark.test(lines[at])) return null;
  const inner = [];
  let end = at;
  for (; end < lines.length; ++end) {
    if (quote_mark.test(lines[end]))
      inner.push(lines[end].replace(quote_mark, ''));
    else if (begins_block(lines, end) || is_blank(inner.at(-1))) break;
    else inner.push(lines[end]); // the paragraph goes on without its mark
  }
  return { type: 'quote', blocks: blocks_of(inner, depth + 1), end };
}

function item_of(line) {
  const found = /^( *)([-*+]|\d{1,9}[.)])( +|\t|$)/.exec(line);
  if (!found) return null;
  const [whole, indent, mark, space] = found;
  return {
    indent: indent.length,
    kind: mark.at(-1),
    start: /\d/.test(mark) ? parseInt(mark, 10) : null,
    content: space.length > 4 ? indent.length + mark.length + 1 : whole.length,
  };
}

function take_list(lines, at, depth) {
  const first = item_of(lines[at]);
  if (!first || take_rule(lines, at)) return null;
  const items = [];
  let end = at;
  let is_tight = true;
  while (end < lines.length) {
    const item = item_of(lines[end]);
    if (item?.kind !== first.kind || take_rule(lines, end)) break;
    const { inner, next } = lines_of_item(lines, end, item);
    const blank_before_next = next > end + inner.length;
    end = next;
    items.push(make_item(inner, depth));
    const goes_on = item_of(lines[next] ?? '')?.kind === first.kind;
    if ((blank_before_next && goes_on) || has_gap(inner)) is_tight = false;
  }
  return { type: 'list', start: first.start, is_tight, items, end };
}

// Models indent by less than CommonMark asks for: two spaces are enough.
function lines_of_item(lines, at, item) {
  const least = Math.min(item.content, item.indent + 2);
  const inner = [lines[at].slice(item.content)];
  let next = at + 1;
  let blanks = 0;
  for (; next < lines.length; ++next) {
    const line = lines[next];
    if (is_blank(line)) {
      ++blanks;
      continue;
    }
    const is_within = indent_of(line) >= least;
    const ends_item = blanks > 0 || item_of(line) || begins_block(lines, next);
    if (!is_within && ends_item) break;
    for (; blanks > 0; --blanks) inner.push('');
    inner.push(is_within ? without_indent(line, item.content) : line);
  }
  return { inner, next };
}

// A blank line between two of its own blocks, which sets all items apart.
function has_gap(inner) {
  let in_fence = false;
  return inner.some((line, i) => {
    if (fence_of(line)) in_fence = !in_fence;
    const after = inner[i + 1];
    if (in_fence || i === 0 || !is_blank(line) || after === undefined)
      return false;
    return indent_of(after) === 0 && !item_of(after);
  });
}

function make_item(inner, depth) {
  const box = /^\[([ xX])\] (?=\S)/.exec(inner[0]);
  if (box) inner[0] = inner[0].slice(box[0].length);
  return {
    is_done: box ? box[1] !== ' ' : null,
    blocks: blocks_of(inner, depth + 1),
  };
}

// -- paragraphs ---------------------------------------------------------------

function begins_block(lines, at) {
  const item = item_of(lines[at]);
  return Boolean(
    is_blank(lines[at])
    || fence_of(lines[at])
    || take_heading(lines, at)
    || take_rule(lines, at)
    || quote_mark.test(lines[at])
    || (item && item.content > item.indent && (item.start ?? 1) === 1)
    || (lines[at].includes('|') && aligns_of(lines[at + 1])),
  );
}

function take_paragraph(lines, at) {
  let end = at + 1;
  while (end < lines.length && !begins_block(lines, end)) ++end;
  const text = lines.slice(at, end).map((line) => line.trimStart()).join('\n');
  return { type: 'paragraph', inlines: parse_inline(text.trimEnd()), end };
}
