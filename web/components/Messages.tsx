'use client';

import { useEffect, useLayoutEffect, useRef, useState } from 'react';
import { textOf, type Message } from '@/lib/messages';
import type { SessionChat, View } from '@/lib/session-chat';
import { useText } from '@/text';
import { Answer, Awaited } from './Answer';
import { Icon } from './icons';

interface Props {
  readonly session: SessionChat;
  readonly messages: readonly Message[];
  readonly view: View;
  readonly isComing: boolean;
  readonly failed: string | null;
}

/** So near to the end one means to stay there. */
const END_PIXELS = 80;

export function Messages({ session, messages, view, isComing, failed }: Props) {
  const text = useText();
  const scroller = useRef<HTMLDivElement>(null);
  const [isAtEnd, setAtEnd] = useState(true);
  const last = messages.at(-1);
  const height = useRef(0);
  const first = messages[0]?.id;

  useLayoutEffect(() => {
    const element = scroller.current;
    if (element && isAtEnd) element.scrollTop = element.scrollHeight;
  });

  useLayoutEffect(() => {
    // Earlier messages came in above: what was being read stays where it is.
    const element = scroller.current;
    if (element && height.current && !isAtEnd) element.scrollTop += element.scrollHeight - height.current;
    height.current = 0;
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [first]);

  useEffect(() => {
    // Whoever asks wants to see the answer.
    if (last?.role === 'user') setAtEnd(true);
  }, [last?.role, last?.id]);

  const loadEarlier = (): void => {
    height.current = scroller.current?.scrollHeight ?? 0;
    void session.loadEarlier();
  };

  const scrolled = (): void => {
    const element = scroller.current;
    if (!element) return;
    setAtEnd(element.scrollHeight - element.scrollTop - element.clientHeight < END_PIXELS);
    if (element.scrollTop < END_PIXELS && view.earlier !== null) loadEarlier();
  };

  return (
    <div className="scroller" ref={scroller} onScroll={scrolled} tabIndex={0} role="region" aria-label={text.chat.conversation}>
      <div className="messages">
        {view.loading === 'loading' && <p className="hint">{text.loading}…</p>}
        {view.earlier !== null && (
          <button type="button" className="text-button" onClick={loadEarlier}>
            {text.chat.earlier}
          </button>
        )}
        {messages.map(message =>
          message.role === 'user' ? (
            <Question key={message.id} message={message} />
          ) : (
            <Answer
              key={message.id}
              message={message}
              view={isComing && message === last ? view : undefined}
              isStopped={message === last && (view.isStopped || isUnended(message, failed))}
              isSaidBelow={message === last && failed !== null}
              onAgain={message === last && !isComing && failed === null ? () => session.askAgain() : undefined}
            />
          ),
        )}
        {isComing && last?.role === 'user' && <Awaited view={view} />}
        {failed && (
          <div className="failure" role="alert">
            <Icon name="warning" />
            <p>{failed}</p>
            <button type="button" className="button" onClick={() => session.askAgain()}>
              {text.chat.askAgain}
            </button>
          </div>
        )}
      </div>
      {!isAtEnd && (
        <button type="button" className="to-end" aria-label={text.chat.toEnd} title={text.chat.toEnd} onClick={() => setAtEnd(true)}>
          <Icon name="down" />
        </button>
      )}
    </div>
  );
}

/** Stopped from another tab: the stream just ended. */
function isUnended(message: Message, failed: string | null): boolean {
  return failed === null && message.metadata?.status === undefined;
}

function Question({ message }: { message: Message }) {
  const text = useText();
  return (
    <article className="question" aria-label={text.chat.you}>
      {textOf(message)}
    </article>
  );
}
