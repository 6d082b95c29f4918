'use client';

import { useEffect, useState } from 'react';
import { saveExport, type Format } from '@/lib/download';
import { say } from '@/lib/notices';
import { listDeleted, restoreSession, type Session } from '@/lib/sessions';
import { listShares, type Share } from '@/lib/shares';
import { moment } from '@/lib/time';
import { useLocale, useText } from '@/text';
import { Dialog } from './Dialog';
import { Icon } from './icons';
import { ShareList } from './ShareDialog';

/** To what one has: everything as a file, the links one has made, what was deleted and can come back. */
export function LibraryButton() {
  const text = useText();
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <button type="button" className="nav-link" aria-haspopup="dialog" onClick={() => setOpen(true)}>
        <Icon name="chats" /> {text.sessions.library}
      </button>
      {isOpen && (
        <Dialog title={text.sessions.library} className="dialog-wide" onClose={() => setOpen(false)}>
          <Everything />
          <Links />
          <Deleted />
        </Dialog>
      )}
    </>
  );
}

function Everything() {
  const text = useText();
  const save = (format: Format): void => void saveExport(null, format).catch(() => say(text.sessions.exportFailed));
  return (
    <section className="dialog-part">
      <h3>{text.sessions.libraryExport}</h3>
      <p className="hint">{text.sessions.libraryExportHint}</p>
      <p className="buttons">
        <button type="button" className="button" onClick={() => save('markdown')}>
          <Icon name="download" /> {text.sessions.exportMarkdown}
        </button>
        <button type="button" className="button" onClick={() => save('json')}>
          <Icon name="download" /> {text.sessions.exportJson}
        </button>
      </p>
    </section>
  );
}

function Links() {
  const text = useText();
  const [shares, setShares] = useState<readonly Share[] | null>(null);
  useEffect(() => {
    listShares(null).then(setShares, () => setShares([]));
  }, []);
  return (
    <section className="dialog-part">
      <h3>{text.shares.listTitle}</h3>
      {shares?.length === 0 && <p className="hint">{text.shares.listNone}</p>}
      {shares && <ShareList shares={shares} isTitled onRevoked={gone => setShares(shares.filter(share => share !== gone))} />}
    </section>
  );
}

function Deleted() {
  const text = useText();
  const locale = useLocale();
  const [deleted, setDeleted] = useState<readonly Session[] | null>(null);
  useEffect(() => {
    listDeleted().then(setDeleted, () => setDeleted([]));
  }, []);
  const restore = (session: Session): void =>
    void restoreSession(session.id).then(
      () => setDeleted(list => list?.filter(({ id }) => id !== session.id) ?? null),
      () => say(text.sessions.restoreFailed),
    );
  return (
    <section className="dialog-part">
      <h3>{text.sessions.deletedTitle}</h3>
      <p className="hint">{deleted?.length === 0 ? text.sessions.deletedNone : text.sessions.deletedHint}</p>
      <ul className="rows">
        {deleted?.map(session => (
          <li key={session.id} className="row">
            <div className="row-text">
              <p className="row-title">{session.title}</p>
              <p className="hint">{moment(session.updated_at, locale)}</p>
            </div>
            <button type="button" className="text-button" aria-label={text.sessions.restoreOf(session.title)} onClick={() => restore(session)}>
              {text.sessions.restore}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
