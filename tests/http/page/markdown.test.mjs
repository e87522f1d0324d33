// Markdown as models write it, and as those write it who mean harm.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse_inline, safe_address } from './inline.js';
import { parse_markdown } from './markdown.js';

// A tree as text: `p`, `strong(...)`, links with their address.
function shown_inlines(nodes) {
  return nodes.map(shown_inline).join('');
}

function shown_inline({ type, text, href, children }) {
  if (type === 'text') return text;
  if (type === 'break') return '⏎';
  if (type === 'code') return `code(${text})`;
  if (type === 'link') return `link(${href}|${shown_inlines(children)})`;
  return `${type}(${shown_inlines(children)})`;
}

function shown(blocks) {
  return blocks.map(shown_block).join(' ');
}

function shown_block(block) {
  const { type, inlines, level, language, text, blocks } = block;
  switch (type) {
    case 'paragraph': return `p(${shown_inlines(inlines)})`;
    case 'heading': return `h${level}(${shown_inlines(inlines)})`;
    case 'code': return `code[${language}](${text})`;
    case 'thought': return `thought${block.is_open ? '…' : ''}(${shown(blocks)})`;
    case 'quote': return `quote(${shown(blocks)})`;
    case 'list': return shown_list(block);
    case 'table': return shown_table(block);
    default: return type;
  }
}

function shown_list({ start, is_tight, items }) {
  const name = start === null ? 'ul' : `ol${start}`;
  const each = items.map(({ is_done, blocks }) =>
    (is_done === null ? '' : is_done ? '[x]' : '[ ]') + shown(blocks));
  return `${name}${is_tight ? '' : '~'}(${each.join(', ')})`;
}

function shown_table({ aligns, head, rows }) {
  const row = (cells) => cells.map(shown_inlines).join('|');
  return `table[${aligns}](${[head, ...rows].map(row).join(' / ')})`;
}

function check(cases, parse) {
  for (const [text, expected] of cases) assert.equal(parse(text), expected, text);
}

const inline = (text) => shown_inlines(parse_inline(text));
const block = (text) => shown(parse_markdown(text));

test('emphasis', () => {
  check([
    ['a *b* c', 'a em(b) c'],
    ['**b** and __c__', 'strong(b) and strong(c)'],
    ['***both***', 'em(strong(both))'],
    ['**a *b* c**', 'strong(a em(b) c)'],
    ['*a **b** c*', 'em(a strong(b) c)'],
    ['~~gone~~ ~not~', 'strike(gone) ~not~'],
    ['snake_case_name', 'snake_case_name'],
    ['2 * 3 * 4', '2 * 3 * 4'],
    ['in*ner*most', 'inem(ner)most'],
    ['**not closed', '**not closed'],
    ['**a*', '*em(a)'],
    ['*a **b*', '*a *em(b)'],
    ['\\*plain\\*', '*plain*'],
    ['**„Zitat“** weiter', 'strong(„Zitat“) weiter'],
  ], inline);
});

test('code spans', () => {
  check([
    ['`a *b*`', 'code(a *b*)'],
    ['``a ` b``', 'code(a ` b)'],
    ['` a `', 'code(a)'],
    ['`open', '`open'],
    ['*a `b* c`', '*a code(b* c)'],
    ['`<script>`', 'code(<script>)'],
  ], inline);
});

test('links', () => {
  check([
    ['[a](https://x.org/p)', 'link(https://x.org/p|a)'],
    ['[*a* b](http://x.org "title")', 'link(http://x.org/|em(a) b)'],
    ['[a](<https://x.org/a b>)', 'link(https://x.org/a%20b|a)'],
    ['[a](https://x.org/(b)c)', 'link(https://x.org/(b)c|a)'],
    ['![picture](https://x.org/a.png)', 'link(https://x.org/a.png|picture)'],
    ['<https://x.org>', 'link(https://x.org/|https://x.org)'],
    ['see https://x.org/a.', 'see link(https://x.org/a|https://x.org/a).'],
    ['(https://x.org/a_(b))', '(link(https://x.org/a_(b)|https://x.org/a_(b)))'],
    ['[a [b](https://x.org) c](https://y.org)',
     '[a link(https://x.org/|b) c](link(https://y.org/|https://y.org))'],
    ['*a [b* c](https://x.org)', '*a link(https://x.org/|b* c)'],
    ['[1] text', '[1] text'],
  ], inline);
});

test('no address but http and https is a link', () => {
  const addresses = [
    'javascript:alert(1)', 'JaVaScRiPt:alert(1)', ' javascript:alert(1)',
    'java\nscript:alert(1)', 'data:text/html,<script>alert(1)</script>',
    'vbscript:x', 'file:///etc/passwd', '//x.org', '/api/v1/m/remove', '#x',
    'https:x', 'http://', 'blob:https://x.org/1', 'https:\\\\x',
  ];
  for (const each of addresses) {
    assert.equal(safe_address(each), null, each);
    for (const text of [`[a](${each})`, `![a](<${each}>)`, `<${each}>`, each])
      assert.doesNotMatch(inline(text), /link\((?!https:\/\/x)/, text);
  }
});

test('html is text', () => {
  const text = '<img src=x onerror=alert(1)><script>alert(2)</script>';
  assert.equal(block(text), `p(${text})`);
  assert.equal(inline('&lt;b&gt; &amp;amp; &#60; &#x3c; &nope; &#0;'),
    '<b> &amp; < < &nope; \ufffd');
});

test('line ends', () => {
  check([
    ['a\nb', 'a⏎b'], ['a  \n  b', 'a⏎b'], ['a\\\nb', 'a⏎b'],
  ], inline);
});

test('blocks', () => {
  check([
    ['a\n\nb', 'p(a) p(b)'],
    ['# Title #\ntext', 'h1(Title) p(text)'],
    ['###no', 'p(###no)'],
    ['####### no', 'p(####### no)'],
    ['# C#', 'h1(C#)'],
    ['a\n---\nb', 'p(a) rule p(b)'],
    ['* * *', 'rule'],
    ['> a\nb\n> c', 'quote(p(a⏎b⏎c))'],
    ['> > a', 'quote(quote(p(a)))'],
    ['text\n> a', 'p(text) quote(p(a))'],
    ['a\r\nb\rc', 'p(a⏎b⏎c)'],
    ['', ''],
  ], block);
});

test('thoughts', () => {
  check([
    ['<think>\na\n\nb\n</think>\n\nc', 'thought(p(a) p(b)) p(c)'],
    ['\n<think>a', 'thought…(p(a))'],
    ['<think></think>', 'thought()'],
    ['a <think>b</think>', 'p(a <think>b</think>)'],
  ], block);
});

test('fenced code', () => {
  check([
    ['```js\nlet a;\n\n  b\n```\nc', 'code[js](let a;\n\n  b) p(c)'],
    ['~~~\n```\n~~~', 'code[](```)'],
    ['````\n```\n````', 'code[](```)'],
    ['```py\nstill comes', 'code[py](still comes)'],
    ['a\n```\nb\n```', 'p(a) code[](b)'],
    ['- a\n  ```\n  b\n  ```', 'ul(p(a) code[](b))'],
    ['```<script>\n</script>\n```', 'code[<script>](</script>)'],
    ['``` a`b', 'p(``` a`b)'],
  ], block);
});

test('lists', () => {
  check([
    ['- a\n- b', 'ul(p(a), p(b))'],
    ['- a\n\n- b', 'ul~(p(a), p(b))'],
    ['3. a\n4. b', 'ol3(p(a), p(b))'],
    ['1) a\n2. b', 'ol1(p(a)) ol2(p(b))'],
    ['1. a\n   - b\n   - c\n2. d', 'ol1(p(a) ul(p(b), p(c)), p(d))'],
    ['1. a\n  - b\n2. d', 'ol1(p(a) ul(p(b)), p(d))'],
    ['- a\n  b\nc', 'ul(p(a⏎b⏎c))'],
    ['- a\n\nb', 'ul(p(a)) p(b)'],
    ['- a\n\n  b\n- c', 'ul~(p(a) p(b), p(c))'],
    ['- [ ] a\n- [x] b', 'ul([ ]p(a), [x]p(b))'],
    ['text:\n- a', 'p(text:) ul(p(a))'],
    ['in the year\n1999. Then', 'p(in the year⏎1999. Then)'],
    ['-', 'ul()'],
    ['- a\n* b', 'ul(p(a)) ul(p(b))'],
  ], block);
});

test('tables', () => {
  check([
    ['|a|b|\n|-|:-:|\n|1|`x|y`|\n|2|3|4|',
     'table[left,center](a|b / 1|code(x|y) / 2|3)'],
    ['a | b\n--- | ---:\n1 | 2\n\nc', 'table[left,right](a|b / 1|2) p(c)'],
    ['a | b\nno table', 'p(a | b⏎no table)'],
    ['|a \\| b|\n|-|', 'table[left](a | b)'],
  ], block);
});

test('a block is the same as long as its source is', () => {
  const text = 'a\n\n- b\n- c\n\n```\nd\n```\n\ne';
  const whole = parse_markdown(text);
  for (let length = 1; length <= text.length; ++length)
    parse_markdown(text.slice(0, length)).slice(0, -1).forEach((each, i) =>
      assert.deepEqual(each, whole[i], text.slice(0, length)));
});

test('takes no text longer than it deserves', () => {
  const size = 100_000;
  const hostile = [
    '*', '_', '**a ', '*a _b ', '`', '`a``b', '[', '[a](', '![', '](', '<',
    '&', '~~', '> ', '- ', '1. ', '#', '|', '|-', '\\', 'http://', '[a](b',
    'https://x)', ' ', '\n', '> - ', 'h', '[a](https://x.org/',
  ].map((each) => each.repeat(size / each.length));
  hostile.push(`# ${'#'.repeat(size)}x`, `|a|\n|${' '.repeat(size)}x`,
    `${'- a\n  '.repeat(size / 6)}`, `[a](${'('.repeat(size)}`,
    `[a](x${' '.repeat(size)}`, `https://x.org/${')'.repeat(size)}`,
    `${'*a '.repeat(size / 6)}${'b* '.repeat(size / 6)}`);
  for (const text of hostile) {
    const begun = process.cpuUsage();
    parse_markdown(text);
    const seconds = process.cpuUsage(begun).user / 1e6;
    assert.ok(seconds < 2, `${JSON.stringify(text.slice(0, 20))}: ${seconds} s`);
  }
});
