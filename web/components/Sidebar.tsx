'use client';

import Link from 'next/link';
import { usePathname, useSearchParams } from 'next/navigation';
import { account } from '@/lib/identity';
import { loadMoreSessions, refreshSessions, sessions, type Session } from '@/lib/sessions';
import { useStore } from '@/lib/store';
import { eraOf, type Era } from '@/lib/time';
import { useText } from '@/text';
import { Icon } from './icons';
import { SessionItem } from './SessionItem';

const ERAS: readonly Era[] = ['today', 'yesterday', 'week', 'older'];

/** The account's sessions, by day. */
export function SessionNav({ onChoose }: { onChoose: () => void }) {
  const text = useText();
  const list = useStore(sessions);
  const path = usePathname();
  const chat = useSearchParams().get('chat');
  const chosen = path === '/' ? chat : null;

  if (list.state === 'failed') {
    return (
      <div className="nav-note">
        <p>{text.sessions.failed}</p>
        <button type="button" className="text-button" onClick={() => void refreshSessions()}>
          {text.retry}
        </button>
      </div>
    );
  }
  if (list.state === 'done' && list.items.length === 0) return <p className="nav-note">{text.sessions.none}</p>;
  return (
    <>
      {ERAS.map(era => (
        <Group key={era} era={era} items={list.items.filter(item => eraOf(item.updated_at) === era)} chosen={chosen} onChoose={onChoose} />
      ))}
      {list.next && (
        <button type="button" className="text-button nav-more" onClick={() => void loadMoreSessions()}>
          {text.sessions.more}
        </button>
      )}
    </>
  );
}

interface GroupProps {
  readonly era: Era;
  readonly items: readonly Session[];
  readonly chosen: string | null;
  readonly onChoose: () => void;
}

function Group({ era, items, chosen, onChoose }: GroupProps) {
  const text = useText();
  if (items.length === 0) return null;
  return (
    <section>
      <h3 className="nav-era">{text.sessions[era]}</h3>
      <ul className="nav-list">
        {items.map(session => (
          <SessionItem key={session.id} session={session} isChosen={session.id === chosen} onChoose={onChoose} />
        ))}
      </ul>
    </section>
  );
}

/** To the documents, for those who may have some. */
export function DocumentsLink({ onChoose }: { onChoose: () => void }) {
  const text = useText();
  const path = usePathname();
  const who = useStore(account, undefined);
  if (!who?.email) return null;
  return (
    <Link className="nav-link" href="/documents" aria-current={path === '/documents' ? 'page' : undefined} onClick={onChoose}>
      <Icon name="documents" /> {text.nav.documents}
    </Link>
  );
}
