'use client';

import Link from 'next/link';
import { useEffect, useState, type ReactNode } from 'react';
import { findMessages, piecesOf, type Hit } from '@/lib/search';
import { moment } from '@/lib/time';
import { useLocale, useText } from '@/text';
import { Icon } from './icons';

/** Of typing, after which it is asked. */
const PAUSE_MS = 250;
const QUERY_MAX_CHARACTERS = 200;

interface Found {
  readonly words: string;
  readonly items: readonly Hit[];
  readonly next: string | null;
  readonly isFailed: boolean;
}

/** One's own messages by their words; while there are words, what is found stands in place of the list. */
export function Search({ onChoose, children }: { onChoose: () => void; children: ReactNode }) {
  const text = useText();
  const [words, setWords] = useState('');
  const [found, setFound] = useState<Found | null>(null);
  const wanted = words.trim();

  useEffect(() => {
    if (!wanted) {
      setFound(null);
      return undefined;
    }
    const asking = new AbortController();
    const timer = setTimeout(() => {
      findMessages(wanted, null, asking.signal).then(
        page => setFound({ words: wanted, items: page.items, next: page.next_cursor, isFailed: false }),
        () => asking.signal.aborted || setFound({ words: wanted, items: [], next: null, isFailed: true }),
      );
    }, PAUSE_MS);
    return () => {
      clearTimeout(timer);
      asking.abort();
    };
  }, [wanted]);

  const more = async ({ items, next }: Found): Promise<void> => {
    const page = await findMessages(wanted, next, new AbortController().signal);
    setFound(now => now && now.words === wanted ? { ...now, items: [...items, ...page.items], next: page.next_cursor } : now);
  };

  return (
    <>
      <div className="search" role="search">
        <Icon name="search" />
        <input
          type="search"
          aria-label={text.sessions.search}
          placeholder={text.sessions.search}
          maxLength={QUERY_MAX_CHARACTERS}
          value={words}
          onChange={event => setWords(event.target.value)}
          onKeyDown={event => {
            if (event.key !== 'Escape' || !words) return;
            event.stopPropagation();
            setWords('');
          }}
        />
        {words && (
          <button type="button" className="quiet small" aria-label={text.sessions.searchEnd} onClick={() => setWords('')}>
            <Icon name="close" />
          </button>
        )}
      </div>
      <div className="side-list">
        <p className="visually-hidden" role="status">
          {found && !found.isFailed && found.items.length > 0 && (found.next ? text.sessions.foundMany : text.sessions.found)(found.items.length)}
        </p>
        {!wanted && children}
        {wanted && found?.isFailed && <p className="nav-note">{text.sessions.searchFailed}</p>}
        {wanted && found && !found.isFailed && found.items.length === 0 && <p className="nav-note">{text.sessions.foundNone}</p>}
        {wanted && found && (
          <ul className="nav-list">
            {found.items.map(hit => (
              <HitItem key={hit.message_id} hit={hit} onChoose={onChoose} />
            ))}
          </ul>
        )}
        {wanted && found?.next && (
          <button type="button" className="text-button nav-more" onClick={() => void more(found)}>
            {text.sessions.more}
          </button>
        )}
      </div>
    </>
  );
}

function HitItem({ hit, onChoose }: { hit: Hit; onChoose: () => void }) {
  const text = useText();
  const locale = useLocale();
  return (
    <li className="nav-item hit">
      <Link href={`/?chat=${hit.session_id}&message=${hit.message_id}`} prefetch={false} onClick={onChoose}>
        <span className="hit-head">
          <span className="nav-title">{hit.session_title}</span>
          <time className="nav-time" dateTime={hit.created_at}>
            {moment(hit.created_at, locale)}
          </time>
        </span>
        <span className="hit-text">
          {hit.role === 'user' ? text.sessions.inQuestion : text.sessions.inAnswer}:{' '}
          {piecesOf(hit.snippet).map((piece, index) => (piece.isMarked ? <mark key={index}>{piece.text}</mark> : piece.text))}
        </span>
      </Link>
    </li>
  );
}
