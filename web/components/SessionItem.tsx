'use client';

import Link from 'next/link';
import { useRef, useState } from 'react';
import { say } from '@/lib/notices';
import { renameSession, type Session } from '@/lib/sessions';
import { moment } from '@/lib/time';
import { useLocale, useText } from '@/text';
import { SessionMenu } from './SessionMenu';

interface Props {
  readonly session: Session;
  readonly isChosen: boolean;
  readonly onChoose: () => void;
}

export function SessionItem({ session, isChosen, onChoose }: Props) {
  const text = useText();
  const locale = useLocale();
  const [isRenaming, setRenaming] = useState(false);
  const row = useRef<HTMLLIElement>(null);

  const rename = (title: string): void => {
    setRenaming(false);
    renameSession(session.id, title.trim()).catch(() => say(text.sessions.renameFailed));
    // The field is gone; focus goes to what stands in its place.
    requestAnimationFrame(() => row.current?.querySelector('a')?.focus());
  };

  if (isRenaming) return <Title session={session} onDone={rename} />;
  return (
    <li ref={row} className="nav-item" data-chosen={isChosen}>
      <Link href={`/?chat=${session.id}`} prefetch={false} aria-current={isChosen ? 'page' : undefined} onClick={onChoose}>
        <span className="nav-title">{session.title || text.loading}</span>
        <time className="nav-time" dateTime={session.updated_at}>
          {moment(session.updated_at, locale)}
        </time>
      </Link>
      <span className="nav-actions">
        <SessionMenu id={session.id} title={session.title} onRename={() => setRenaming(true)} />
      </span>
    </li>
  );
}

function Title({ session, onDone }: { session: Session; onDone: (title: string) => void }) {
  const text = useText();
  const isOver = useRef(false);
  const done = (title: string): void => {
    // Escape takes the field away, which then loses its focus.
    if (isOver.current) return;
    isOver.current = true;
    onDone(title);
  };
  return (
    <li className="nav-item">
      <input
        className="nav-rename"
        aria-label={text.sessions.title}
        defaultValue={session.title}
        maxLength={200}
        // eslint-disable-next-line jsx-a11y/no-autofocus -- it appears where somebody has just asked for it
        autoFocus
        onFocus={event => event.target.select()}
        onBlur={event => done(event.target.value)}
        onKeyDown={event => {
          if (event.key === 'Enter') done(event.currentTarget.value);
          if (event.key === 'Escape') done(session.title);
        }}
      />
    </li>
  );
}
