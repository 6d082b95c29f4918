'use client';

import Link from 'next/link';
import { useEffect, useState } from 'react';
import { Problem } from '@/lib/api';
import { account } from '@/lib/identity';
import { textOf } from '@/lib/messages';
import { openShare, readShared, type Shared } from '@/lib/shares';
import { useStore } from '@/lib/store';
import { longDate } from '@/lib/time';
import { useLocale, useText } from '@/text';
import { Answer } from './Answer';
import { Passage } from './Passage';
import { SignInButton } from './SignInButton';
import { Trouble } from './Trouble';

/** `/shared#<token>`: a session as it was when it was shared, to read. */
export function SharedPage() {
  const text = useText();
  const locale = useLocale();
  const who = useStore(account, undefined);
  const token = useToken();
  const [shared, setShared] = useState<Shared | null>(null);
  const [problem, setProblem] = useState<unknown>(null);
  const isKnown = who !== undefined;

  useEffect(() => {
    if (!isKnown || token === null) return;
    setProblem(null);
    openShare(token).then(setShared, setProblem);
    // Who signs in may see more.
  }, [token, isKnown, who?.email]);

  if (problem) {
    const wantsSomebody = problem instanceof Problem && problem.status === 403;
    return <Trouble sentence={sentenceOf(problem, text.shares)}>{wantsSomebody && <SignInButton />}</Trouble>;
  }
  if (!shared || token === null) return <p className="page hint">{text.loading}…</p>;
  const more = async (): Promise<void> => {
    const page = await readShared(token, shared.next);
    setShared({ ...shared, messages: [...shared.messages, ...page.messages], next: page.next });
  };
  return (
    <div className="scroller" tabIndex={0} role="region" aria-label={text.shares.shared}>
      <div className="messages">
        <header className="shared-head">
          <h1>{shared.title}</h1>
          <p className="hint">{text.shares.sharedAt(longDate(shared.sharedAt, locale))}</p>
        </header>
        {shared.messages.map(message =>
          message.role === 'user' ? (
            <article key={message.id} className="question">
              {textOf(message)}
            </article>
          ) : (
            <Answer key={message.id} message={message} isStopped={false} isSaidBelow={false} />
          ),
        )}
        <p className="buttons">
          {shared.next && (
            <button type="button" className="button" onClick={() => void more().catch(setProblem)}>
              {text.shares.more}
            </button>
          )}
          <Link className="button" href="/">
            {text.shares.begin}
          </Link>
        </p>
      </div>
      <Passage />
    </div>
  );
}

/** What stands behind the `#`; null until the browser has been asked. */
function useToken(): string | null {
  const [token, setToken] = useState<string | null>(null);
  useEffect(() => {
    const read = (): void => setToken(location.hash.slice(1));
    read();
    window.addEventListener('hashchange', read);
    return () => window.removeEventListener('hashchange', read);
  }, []);
  return token;
}

function sentenceOf(problem: unknown, sentences: { missing: string; signIn: string; loadFailed: string }): string {
  const status = problem instanceof Problem ? problem.status : 0;
  if (status === 404) return sentences.missing;
  return status === 403 ? sentences.signIn : sentences.loadFailed;
}
