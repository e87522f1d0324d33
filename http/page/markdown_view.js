// Shows Markdown. Every node is made by name and filled with text, so nothing
// that a model writes can become anything else.
import { h, put } from './dom.js';
import { copy_button } from './copy_button.js';
import { parse_markdown } from './markdown.js';

/** Shows a text that grows: what is the same as before stays as it is. */
export class markdown_view {
  #blocks = [];

  constructor() {
    this.element = h('div', { class: 'markdown', dir: 'auto' });
  }

  /** Returns how many blocks at the beginning will not change any more. */
  update(text) {
    const blocks = parse_markdown(text);
    blocks.forEach((block, i) => this.#show(block, i));
    while (this.element.childNodes.length > blocks.length)
      this.element.lastChild.remove();
    this.#blocks = blocks;
    return Math.max(0, blocks.length - 1);
  }

  /** The text of a block as it is read out. */
  text_of(i) {
    const node = this.element.childNodes[i];
    return (node?.querySelector('summary') ?? node)?.textContent ?? '';
  }

  #show(block, i) {
    const old = this.#blocks[i];
    const shown = this.element.childNodes[i];
    if (old?.source === block.source && old.type === block.type
        && old.is_open === block.is_open) return;
    if (old?.type === 'code' && block.type === 'code'
        && old.language === block.language) {
      // In place, so that a selection and the place scrolled to are kept.
      shown.querySelector('code').textContent = block.text;
    } else if (old?.type === 'thought' && block.type === 'thought') {
      fill_thought(shown, block); // stays folded or unfolded
    } else if (shown) {
      shown.replaceWith(block_node(block));
    } else {
      this.element.append(block_node(block));
    }
  }
}

const makers = {
  paragraph: ({ inlines }) => h('p', {}, inline_nodes(inlines)),
  // The page itself has the first two levels.
  heading: ({ level, inlines }) =>
    h(`h${Math.min(6, level + 2)}`, { class: `level-${level}` },
      inline_nodes(inlines)),
  rule: () => h('hr'),
  thought: (block) =>
    fill_thought(h('details', {}, h('summary'), h('div')), block),
  quote: ({ blocks }) => h('blockquote', {}, blocks.map(block_node)),
  code: code_node,
  list: list_node,
  table: table_node,
};

function block_node(block) {
  return makers[block.type](block);
}

function fill_thought(node, { blocks, is_open }) {
  node.firstChild.textContent = is_open ? 'Thinking…' : 'Thought';
  put(node.lastChild, blocks.map(block_node));
  return node;
}

function code_node({ language, text }) {
  const code = h('code', { dir: 'ltr' }, text);
  const name = language || 'code';
  return h('div', { class: 'code' },
    h('div', { class: 'code-head' },
      h('span', {}, name),
      copy_button('Copy code', () => code.textContent)),
    h('pre', { tabindex: '0', role: 'region', 'aria-label': `${name} block` },
      code));
}

function list_node({ start, is_tight, items }) {
  const list = h(start === null ? 'ul' : 'ol', {},
    items.map((item) => item_node(item, is_tight)));
  if (start !== null && start !== 1) list.setAttribute('start', start);
  return list;
}

function item_node({ is_done, blocks }, is_tight) {
  const nodes = blocks.flatMap((block) =>
    is_tight && block.type === 'paragraph'
      ? inline_nodes(block.inlines)
      : [block_node(block)]);
  if (is_done === null) return h('li', {}, nodes);
  const box = h('input', { type: 'checkbox', disabled: true });
  box.checked = is_done;
  return h('li', { class: 'task' }, box, h('div', {}, nodes));
}

function table_node({ aligns, head, rows }) {
  const cell = (name) => (inlines, i) =>
    h(name, { class: `to-${aligns[i]}` }, inline_nodes(inlines));
  return h('div', { class: 'table', tabindex: '0', role: 'region',
                    'aria-label': 'Table' },
    h('table', {},
      h('thead', {}, h('tr', {}, head.map(cell('th')))),
      h('tbody', {}, rows.map((row) => h('tr', {}, row.map(cell('td')))))));
}

const tags = { em: 'em', strong: 'strong', strike: 'del' };

function inline_nodes(inlines) {
  return inlines.map((node) => {
    if (node.type === 'text') return document.createTextNode(node.text);
    if (node.type === 'break') return h('br');
    if (node.type === 'code') return h('code', {}, node.text);
    const children = inline_nodes(node.children);
    if (node.type !== 'link') return h(tags[node.type], {}, children);
    return h('a', { href: node.href, title: node.href, target: '_blank',
                    rel: 'noopener noreferrer nofollow' }, children);
  });
}
