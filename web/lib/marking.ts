/** A piece of a passage; marked when the answer uses it. */
export interface Piece {
  readonly text: string;
  readonly isMarked: boolean;
}

const WORD = /[\p{L}\p{N}][\p{L}\p{N}'’.,%-]*[\p{L}\p{N}%]|[\p{L}\p{N}]/gu;
const SHORTEST = 4;
/** Words that are as long as this and begin alike are forms of one word. */
const STEM = 6;

/** The passage with what the sentence takes from it marked: the sentence itself where it stands there, else its words. */
export function marked(passage: string, sentence: string): readonly Piece[] {
  const quoted = verbatim(passage, sentence);
  if (quoted) return pieces(passage, [quoted]);
  const wanted = new Set(words(sentence).map(({ stem }) => stem));
  return pieces(passage, words(passage).filter(({ stem }) => wanted.has(stem)));
}

interface Range {
  readonly start: number;
  readonly end: number;
}

function verbatim(passage: string, sentence: string): Range | undefined {
  const tokens = sentence.trim().split(/\s+/).filter(Boolean);
  if (tokens.length < 3) return undefined;
  const pattern = tokens.map(token => token.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('[\\s*_|#>`-]+');
  const match = new RegExp(pattern, 'iu').exec(passage);
  return match ? { start: match.index, end: match.index + match[0].length } : undefined;
}

function words(text: string): (Range & { stem: string })[] {
  return [...text.matchAll(WORD)].flatMap(match => {
    const word = match[0].toLowerCase();
    if (word.length < SHORTEST && !/\d/.test(word)) return [];
    return [{ stem: word.slice(0, STEM), start: match.index, end: match.index + match[0].length }];
  });
}

function pieces(text: string, ranges: readonly Range[]): readonly Piece[] {
  const found: Piece[] = [];
  let at = 0;
  for (const { start, end } of joined(text, ranges)) {
    if (start > at) found.push({ text: text.slice(at, start), isMarked: false });
    found.push({ text: text.slice(start, end), isMarked: true });
    at = end;
  }
  if (at < text.length) found.push({ text: text.slice(at), isMarked: false });
  return found;
}

/** Neighbours with no more than a short word between them are one stroke of the pen. */
const BETWEEN = /^[^.!?;:\n]{0,10}$/;

function joined(text: string, ranges: readonly Range[]): readonly Range[] {
  const found: Range[] = [];
  for (const range of ranges) {
    const last = found.at(-1);
    if (last && BETWEEN.test(text.slice(last.end, range.start))) found[found.length - 1] = { ...last, end: range.end };
    else found.push(range);
  }
  return found;
}
