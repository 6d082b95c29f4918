'use client';

import { Fragment, useEffect, useRef } from 'react';
import { marked } from '@/lib/marking';
import { closePassage, shownPassage } from '@/lib/passage';
import { placeOf, titleOf } from '@/lib/place';
import { useStore } from '@/lib/store';
import { useText } from '@/text';
import { Dialog } from './Dialog';
import { OpenDocument } from './OpenDocument';

/** The passage behind a citation, with the words that the answer uses marked. */
export function Passage() {
  const text = useText();
  const shown = useStore(shownPassage, null);
  const quote = useRef<HTMLQuoteElement>(null);

  useEffect(() => {
    quote.current?.querySelector('mark')?.scrollIntoView({ block: 'center' });
  }, [shown]);

  if (!shown) return null;
  const { citation, sentence } = shown;
  return (
    <Dialog title={text.chat.passage} className="drawer" onClose={closePassage}>
      <p className="passage-title">
        <span className="chip chip-still">{citation.number}</span> {titleOf(citation, text)}
      </p>
      {citation.availability === 'withheld' ? (
        <p className="passage-withheld">{text.chat.withheld}</p>
      ) : (
        <>
          <p className="passage-place">{placeOf(citation, text)}</p>
          <blockquote ref={quote} className="passage" tabIndex={0}>
            {marked(citation.quote, sentence).map((piece, index) =>
              piece.isMarked ? <mark key={index}>{piece.text}</mark> : <Paragraphs key={index} content={piece.text} />,
            )}
          </blockquote>
          <p className="hint">{citation.availability === 'replaced' ? text.chat.replaced : text.chat.passageHint}</p>
          <OpenDocument key={citation.chunkId} citation={citation} sentence={sentence} />
        </>
      )}
    </Dialog>
  );
}

/** A space between paragraphs in place of an empty line: many are rows of a table. */
function Paragraphs({ content }: { content: string }) {
  return content.split(/\n{2,}/).map((paragraph, index) => (
    <Fragment key={index}>
      {index > 0 && <span className="gap" />}
      {paragraph}
    </Fragment>
  ));
}
