'use client';

import { marked } from '@/lib/marking';
import { closePassage, shownPassage } from '@/lib/passage';
import { useStore } from '@/lib/store';
import { useText } from '@/text';
import { Dialog } from './Dialog';

/** The passage behind a citation, with the words that the answer uses marked. */
export function Passage() {
  const text = useText();
  const shown = useStore(shownPassage, null);
  if (!shown) return null;
  const { citation, sentence } = shown;
  return (
    <Dialog title={text.chat.passage} className="drawer" onClose={closePassage}>
      <p className="passage-title">
        <span className="chip chip-still">{citation.number}</span> {citation.title}
      </p>
      <p className="passage-place">{[...citation.heading, citation.page ? text.chat.page(citation.page) : ''].filter(Boolean).join(' › ')}</p>
      <blockquote className="passage" tabIndex={0}>
        {marked(citation.quote, sentence).map((piece, index) =>
          piece.isMarked ? <mark key={index}>{piece.text}</mark> : <span key={index}>{piece.text}</span>,
        )}
      </blockquote>
      <p className="hint">{text.chat.passageHint}</p>
    </Dialog>
  );
}
