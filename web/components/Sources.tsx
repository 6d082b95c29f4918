'use client';

import { openPassage } from '@/lib/passage';
import type { Citation, Source } from '@/lib/messages';
import { useText } from '@/text';

const SHOWN = 4;

interface Entry {
  readonly key: string;
  readonly title: string;
  readonly page: number | null;
  readonly citation: Citation | undefined;
}

/** The documents an answer is made from: one line, there before the first word, that keeps its height. */
export function Sources({ sources, citations }: { sources: readonly Source[]; citations: ReadonlyMap<number, Citation> }) {
  const text = useText();
  const entries = entriesOf(sources, citations);
  if (entries.length === 0) return null;
  const more = entries.length - SHOWN;
  return (
    <ul className="sources" aria-label={text.chat.sources} tabIndex={0}>
      {entries.slice(0, SHOWN).map(({ key, title, page, citation }) => {
        const label = page ? `${title}, ${text.chat.page(page)}` : title;
        return (
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
        );
      })}
      {more > 0 && <li className="sources-more">{text.chat.moreSources(more)}</li>}
    </ul>
  );
}

/** One entry a document, in the order of the passages; when only citations are stored, those. */
function entriesOf(sources: readonly Source[], citations: ReadonlyMap<number, Citation>): readonly Entry[] {
  const cited = new Map([...citations.values()].map(citation => [citation.title, citation]));
  const given = sources.length > 0 ? sources : [...citations.values()];
  const entries = new Map<string, Entry>();
  for (const { title, page } of given) {
    if (!entries.has(title)) entries.set(title, { key: title, title, page, citation: cited.get(title) });
  }
  return [...entries.values()];
}
