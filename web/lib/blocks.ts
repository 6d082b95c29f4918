const FENCE = /^ {0,3}(`{3,}|~{3,}|\$\$)/;
const CONTINUES = /^(\s|[-*+] |\d+[.)] |\||>|\[[^\]]+\]:)/;

/** The Markdown cut where a new block surely begins, so that while text comes in only its last part is read again. */
export function blocksOf(markdown: string): readonly string[] {
  const blocks: string[] = [];
  let lines: string[] = [];
  let fence: string | undefined;
  let isAfterBlank = false;
  for (const line of markdown.split('\n')) {
    if (isAfterBlank && fence === undefined && line.trim() !== '' && !CONTINUES.test(line)) {
      blocks.push(lines.join('\n'));
      lines = [];
    }
    const mark = FENCE.exec(line)?.[1];
    if (fence === undefined) fence = mark && !closesItself(line, mark) ? mark : undefined;
    else if (mark?.startsWith(fence)) fence = undefined;
    lines.push(line);
    isAfterBlank = line.trim() === '' ? lines.length > 1 : false;
  }
  if (lines.length > 0) blocks.push(lines.join('\n'));
  return blocks;
}

function closesItself(line: string, mark: string): boolean {
  return mark === '$$' && line.indexOf('$$', line.indexOf('$$') + 2) > 0;
}

/** The text as it may be shown while more comes: without a citation that has only begun. */
export function settled(markdown: string): string {
  return markdown.replace(/\s?\[(\d{1,2}(\s*,\s*\d{0,2})*)?$/, '');
}

/** `\(…\)` and `\[…\]`, as many models write formulas, in the form that Markdown knows. A dollar is money. */
export function withFormulas(markdown: string): string {
  return markdown
    .split(/(```[\s\S]*?(?:```|$)|`[^`\n]*`)/)
    .map((part, index) =>
      index % 2
        ? part
        : part
            .replace(/\\\[([\s\S]+?)\\\]/g, (_, formula: string) => `\n$$\n${formula.trim()}\n$$\n`)
            .replace(/\\\((.+?)\\\)/g, (_, formula: string) => `$$${formula}$$`),
    )
    .join('');
}
