'use client';

import type { Citation, Source } from '@/lib/messages';
import { openPassage } from '@/lib/passage';
import { spotOf, titleOf } from '@/lib/place';
import { useText, type Catalogue } from '@/text';

const SHOWN = 4;

interface Entry {
  readonly key: string;
  readonly label: string;
  readonly citation: Citation | undefined;
}

/** The documents an answer is made from: one line, there before the first word, that keeps its height. */
export function Sources({ sources, citations }: { sources: readonly Source[]; citations: ReadonlyMap<number, Citation> }) {
  const text = useText();
  const entries = entriesOf(sources, citations, text);
  if (entries.length === 0) return null;
  const more = entries.length - SHOWN;
  return (
    <ul className="sources" aria-label={text.chat.sources} tabIndex={0}>
      {entries.slice(0, SHOWN).map(({ key, label, citation }) => (
        <li key={key}>
          {citation ? (
            <button type="button" className="source" title={label} onClick={() => openPassage({ citation, sentence: '' })}>
              <span className="source-title">{label}</span>
            </button>
          ) : (
            <span className="source" title={label}>
              <span className="source-title">{label}</span>
            </span>
          )}
        </li>
      ))}
      {more > 0 && <li className="sources-more">{text.chat.moreSources(more)}</li>}
    </ul>
  );
}

/** One entry a document, in the order of the passages; when only citations are stored, those. */
function entriesOf(sources: readonly Source[], citations: ReadonlyMap<number, Citation>, text: Catalogue): readonly Entry[] {
  const cited = new Map([...citations.values()].map(citation => [titleOf(citation, text), citation]));
  const given = sources.length > 0 ? sources : [...citations.values()];
  const entries = new Map<string, Entry>();
  for (const one of given) {
    const title = titleOf(one, text);
    const label = [title, spotOf(one, text)].filter(Boolean).join(', ');
    if (!entries.has(title)) entries.set(title, { key: title, label, citation: cited.get(title) });
  }
  return [...entries.values()];
}
