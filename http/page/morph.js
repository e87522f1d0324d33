// Makes a piece of the page like another one and keeps what is the same, so
// that a button stays under the finger that is about to press it.

/** Elements with another name or `data-key` are put in anew. */
export function morph(old, made) {
  if (old.nodeType === Node.TEXT_NODE && made.nodeType === Node.TEXT_NODE) {
    if (old.data !== made.data) old.data = made.data;
    return;
  }
  if (old.nodeName !== made.nodeName || key_of(old) !== key_of(made)) {
    old.replaceWith(made);
    return;
  }
  for (const { name } of [...old.attributes])
    if (!made.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of made.attributes)
    if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  morph_children(old, [...made.childNodes]);
}

/** The same for all that is in an element. */
export function morph_children(parent, made) {
  const old = [...parent.childNodes];
  old.slice(made.length).forEach((node) => node.remove());
  made.forEach((node, i) => {
    if (i < old.length) morph(old[i], node);
    else parent.append(node);
  });
}

function key_of(node) {
  return node.dataset?.key;
}
