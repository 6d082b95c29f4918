'use client';

import { useState } from 'react';
import { Problem } from '@/lib/api';
import { say } from '@/lib/notices';
import { canShow, openOriginal } from '@/lib/originals';
import type { Shown } from '@/lib/passage';
import { pageOf } from '@/lib/place';
import { useText } from '@/text';
import { failure } from '@/text/failures';
import { Icon } from './icons';

const GONE = 410;

/** The way from a passage to the document it is from, at its page. */
export function OpenDocument({ citation, sentence }: Shown) {
  const text = useText();
  const [isBusy, setBusy] = useState(false);
  const [isReplaced, setReplaced] = useState(citation.availability === 'replaced');
  const isShown = canShow(citation.mediaType);
  // In another version it may stand on another page.
  const page = isReplaced || citation.mediaType !== 'application/pdf' ? null : pageOf(citation, sentence);

  const open = async (): Promise<void> => {
    setBusy(true);
    try {
      await openOriginal({ id: citation.documentId, version: isReplaced ? null : citation.version, mediaType: citation.mediaType, page });
    } catch (error) {
      if (error instanceof Problem && error.status === GONE) setReplaced(true);
      say(failure(error, text));
    } finally {
      setBusy(false);
    }
  };

  const label = isShown ? text.chat.open : text.chat.save;
  return (
    <p className="passage-open">
      <button type="button" className="button" aria-disabled={isBusy} onClick={() => isBusy || void open()}>
        <Icon name={isShown ? 'documents' : 'download'} />
        {isBusy ? text.chat.opening : isReplaced ? text.chat.today(label) : page ? text.chat.openAt(text.chat.page(page)) : label}
      </button>
    </p>
  );
}
