'use client';

import type { Citation } from '@/lib/messages';
import { openPassage } from '@/lib/passage';
import { titleOf } from '@/lib/place';
import { useText } from '@/text';

/** An `[n]`: of the same size before its passage is known and after. */
export function Chip({ number, citation, sentence }: { number: number; citation: Citation | undefined; sentence: string }) {
  const text = useText();
  if (!citation) return <span className="chip chip-unknown">{number}</span>;
  const title = titleOf(citation, text);
  return (
    <button
      type="button"
      className={citation.availability === 'withheld' ? 'chip chip-unknown' : 'chip'}
      aria-label={text.chat.source(number, title)}
      title={title}
      onClick={() => openPassage({ citation, sentence })}
    >
      {number}
    </button>
  );
}
