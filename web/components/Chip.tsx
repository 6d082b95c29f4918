'use client';

import { openPassage } from '@/lib/passage';
import type { Citation } from '@/lib/messages';
import { useText } from '@/text';

/** An `[n]`: of the same size before its passage is known and after. */
export function Chip({ number, citation, sentence }: { number: number; citation: Citation | undefined; sentence: string }) {
  const text = useText();
  if (!citation) return <span className="chip chip-unknown">{number}</span>;
  return (
    <button
      type="button"
      className="chip"
      aria-label={text.chat.source(number, citation.title)}
      title={citation.title}
      onClick={() => openPassage({ citation, sentence })}
    >
      {number}
    </button>
  );
}
