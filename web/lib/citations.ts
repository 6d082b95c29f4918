import type { Root, RootContent, Text } from 'mdast';

interface Cite {
  type: 'cite';
  data: { hName: 'cite'; hProperties: { number: string; context: string } };
  children: [];
}

type Parent = { children: (RootContent | Cite)[] };

const CITE = /\[(\d{1,2}(?:\s*,\s*\d{1,2})*)\]/g;
const SENTENCE_END = /(?<=[.!?])\s+/;

/** Turns each `[n]` of the text into a `cite`, which knows the sentence it belongs to. */
export function remarkCitations() {
  return (tree: Root): void => {
    for (const block of tree.children) visit(block, { text: '' });
  };
}

function visit(node: RootContent, before: { text: string }): void {
  if (!('children' in node)) return;
  const inBlock = ['paragraph', 'heading', 'tableCell', 'listItem'].includes(node.type) ? { text: '' } : before;
  const parent = node as unknown as Parent;
  parent.children = parent.children.flatMap(child => {
    if (child.type === 'text') return split(child, inBlock);
    if (child.type !== 'cite') visit(child, inBlock);
    if (child.type === 'inlineCode') inBlock.text += child.value;
    return [child];
  });
}

function split(node: Text, before: { text: string }): (RootContent | Cite)[] {
  const found: (RootContent | Cite)[] = [];
  let at = 0;
  for (const match of node.value.matchAll(CITE)) {
    const text = node.value.slice(at, match.index);
    // The space before a citation would let it begin a line of its own.
    if (text) found.push({ type: 'text', value: text.replace(/ $/, '\u00a0') });
    before.text += text;
    const context = before.text.split(SENTENCE_END).filter(part => part.trim()).pop() ?? '';
    for (const number of match[1]!.split(/\s*,\s*/)) {
      found.push({ type: 'cite', data: { hName: 'cite', hProperties: { number, context } }, children: [] });
    }
    at = match.index + match[0].length;
  }
  before.text += node.value.slice(at);
  if (at < node.value.length) found.push({ type: 'text', value: node.value.slice(at) });
  return found;
}
