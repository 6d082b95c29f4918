'use client';

import { useChat } from '@ai-sdk/react';
import { useRouter, useSearchParams } from 'next/navigation';
import { useEffect, useMemo } from 'react';
import { draftId, takeDraft } from '@/lib/draft';
import { account } from '@/lib/identity';
import { isSessionId } from '@/lib/ids';
import type { SessionChat } from '@/lib/session-chat';
import { isAnothers, openSession, sessions } from '@/lib/sessions';
import { useStore } from '@/lib/store';
import { useText } from '@/text';
import { chatFailure } from '@/text/failures';
import { preloadMarkdown } from './Answer';
import { Composer } from './Composer';
import { Home, Opening } from './Home';
import { LiveRegion } from './LiveRegion';
import { Messages } from './Messages';
import { Passage } from './Passage';
import { SessionMenu } from './SessionMenu';
import { Suggestions } from './Suggestions';
import { Trouble } from './Trouble';

const RENDER_MS = 50;

/** `/?chat=<session>`, or a session that begins with its first question. */
export function ChatPage() {
  const wanted = useSearchParams().get('chat');
  const router = useRouter();
  const who = useStore(account, undefined);
  const draft = useStore(draftId, '');
  const known = isSessionId(wanted) ? wanted : null;
  const id = known ?? draft;
  const session = useMemo(
    () => (who && id && !(known && isAnothers(known)) ? openSession(id, { isNew: id === draft }) : null),
    // Another account has other sessions under the same id.
    // eslint-disable-next-line react-hooks/exhaustive-deps
    [id, who?.email],
  );
  const isLost = known !== null && isAnothers(known);

  useEffect(() => {
    // Whose it is has just left.
    if (isLost) router.replace('/');
  }, [isLost, router]);

  if (!session) return known && !isLost ? null : <Opening />;
  return <OpenChat key={session.id} session={session} isNamed={known !== null} />;
}

function OpenChat({ session, isNamed }: { session: SessionChat; isNamed: boolean }) {
  const text = useText();
  const view = useStore(session.view);
  const wanted = useSearchParams().get('message');
  const { messages, status, error } = useChat({ chat: session.chat, experimental_throttle: RENDER_MS });
  const isComing = status === 'submitted' || status === 'streaming';
  const isEmpty = messages.length === 0;
  const last = messages.at(-1);
  const title = useStore(sessions).items.find(({ id }) => id === session.id)?.title ?? text.chat.conversation;

  useEffect(preloadMarkdown, []);

  useEffect(() => {
    document.title = isEmpty ? text.product : `${title} – ${text.product}`;
    return () => {
      document.title = text.product;
    };
  }, [isEmpty, title, text]);

  useEffect(() => {
    // Another tab may have gone on with it, or this one slept.
    const back = (): void => {
      if (document.visibilityState === 'visible' && isNamed) void session.load();
    };
    document.addEventListener('visibilitychange', back);
    return () => document.removeEventListener('visibilitychange', back);
  }, [session, isNamed]);

  const ask = (question: string): void => {
    session.ask(question);
    if (!isNamed) takeDraft();
  };

  if (view.loading === 'missing') return <Trouble sentence={text.chat.missing} />;
  if (view.loading === 'failed') return <Trouble sentence={text.chat.loadFailed} onRetry={() => void session.load()} />;
  const failed = status === 'error' && !view.isLost && error ? chatFailure(error.message, text) : null;
  return (
    <div className={isEmpty && view.loading === 'done' ? 'chat chat-empty' : 'chat'}>
      {isEmpty && view.loading === 'done' ? (
        <Home />
      ) : (
        <>
          <header className="chat-head">
            <h1>{title}</h1>
            <SessionMenu id={session.id} title={title} />
          </header>
          <Messages session={session} messages={messages} view={view} isComing={isComing || view.isLost} failed={failed} wanted={wanted} />
        </>
      )}
      <div className="dock">
        {view.isLost && (
          <p className="lost" role="status">
            <span className="pen" aria-hidden="true" /> {text.chat.lost}
          </p>
        )}
        <Composer
          isBusy={isComing || view.isLost || view.loading === 'loading'}
          canStop={isComing}
          isFollowUp={!isEmpty}
          onAsk={ask}
          onStop={() => void session.stop()}
        />
        {isEmpty && view.loading === 'done' && <Suggestions onAsk={ask} />}
      </div>
      <LiveRegion
        content={last?.role === 'assistant' ? last.parts.map(part => (part.type === 'text' ? part.text : '')).join('') : ''}
        isComing={isComing}
        status={isComing && view.stage === 'searching' ? text.chat.searching : (failed ?? '')}
      />
      <Passage />
    </div>
  );
}
