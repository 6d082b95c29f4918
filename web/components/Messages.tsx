'use client';

import { useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react';
import { rate } from '@/lib/feedback';
import type { Message } from '@/lib/messages';
import { say } from '@/lib/notices';
import { reveal } from '@/lib/reveal';
import type { SessionChat, View } from '@/lib/session-chat';
import { useText } from '@/text';
import { Answer, Awaited, type Rate } from './Answer';
import { Blocks } from './Blocks';
import { Icon } from './icons';
import { Question } from './Question';
import type { Direction, Switch } from './Versions';

interface Props {
  readonly session: SessionChat;
  readonly messages: readonly Message[];
  readonly view: View;
  readonly isComing: boolean;
  readonly failed: string | null;
  /** A message that the address names. */
  readonly wanted: string | null;
}

/** So near to the end one means to stay there. */
const END_PIXELS = 80;
/** So near to the beginning what was before is loaded. */
const START_PIXELS = 2000;

export function Messages({ session, messages, view, isComing, failed, wanted }: Props) {
  const text = useText();
  const scroller = useRef<HTMLDivElement>(null);
  const [isAtEnd, setAtEndShown] = useState(wanted === null);
  const atEnd = useRef(isAtEnd);
  const last = messages.at(-1);
  const isFound = wanted !== null && messages.some(message => message.id === wanted);

  const setAtEnd = useCallback((value: boolean): void => {
    atEnd.current = value;
    setAtEndShown(value);
  }, []);

  useLayoutEffect(() => {
    const element = scroller.current;
    if (element && isAtEnd) element.scrollTop = element.scrollHeight;
  });

  useEffect(() => {
    if (wanted !== null && view.loading === 'done') void reveal(session, wanted);
  }, [session, wanted, view.loading]);

  useLayoutEffect(() => {
    if (!isFound) return;
    const element = scroller.current;
    element?.querySelector('[data-wanted]')?.scrollIntoView({ block: 'center' });
    setAtEnd(element !== null && isNearEnd(element));
  }, [isFound, wanted, setAtEnd]);

  useEffect(() => {
    // Whoever asks wants to see the answer.
    if (last?.role === 'user' && isComing) setAtEnd(true);
  }, [last?.role, last?.id, isComing, setAtEnd]);

  const loadEarlier = (): void => void session.loadEarlier();

  const scrolled = (): void => {
    const element = scroller.current;
    if (!element) return;
    setAtEnd(isNearEnd(element));
    if (element.scrollTop < START_PIXELS && view.earlier !== null) loadEarlier();
  };

  const onRate = useCallback<Rate>((...said) => rate(session, ...said), [session]);

  const [switched, setSwitched] = useState<{ to: string; direction: Direction } | null>(null);
  const onSwitch = useCallback<Switch>(
    (to, direction) => {
      setAtEnd(false);
      const done = session.switchTo(to).then(() => reveal(session, to));
      done.then(() => setSwitched({ to, direction })).catch(() => say(text.versions.failed));
    },
    [session, setAtEnd, text],
  );
  const onAgain = useCallback((answer: Message) => session.answerAgain(answer), [session]);
  const onEdit = useCallback((question: Message, words: string) => session.askInstead(question, words), [session]);
  const focusedOn = (message: Message): Direction | undefined => (message.id === switched?.to ? switched.direction : undefined);

  const shown = (message: Message) =>
    message.role === 'user' ? (
      <Question
        key={message.id}
        message={message}
        isWanted={message.id === wanted}
        isBusy={isComing}
        focused={focusedOn(message)}
        onEdit={onEdit}
        onSwitch={onSwitch}
      />
    ) : (
      <Answer
        key={message.id}
        message={message}
        view={isComing && message === last ? view : undefined}
        isStopped={message === last && (view.isStopped || isUnended(message, failed))}
        isSaidBelow={message === last && failed !== null}
        isWanted={message.id === wanted}
        onRate={onRate}
        onAgain={isComing || (message === last && failed !== null) ? undefined : onAgain}
        onSwitch={onSwitch}
        isBusy={isComing}
        focused={focusedOn(message)}
      />
    );

  return (
    <div className="scroller" ref={scroller} onScroll={scrolled} tabIndex={0} role="region" aria-label={text.chat.conversation}>
      <div className="messages">
        {view.loading === 'loading' && <p className="hint">{text.loading}…</p>}
        {view.earlier !== null && (
          <button type="button" className="text-button" onClick={loadEarlier}>
            {text.chat.earlier}
          </button>
        )}
        <Blocks scroller={scroller} messages={messages} wanted={wanted} isAtEnd={() => atEnd.current} render={shown} />
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

function isNearEnd({ scrollHeight, scrollTop, clientHeight }: HTMLElement): boolean {
  return scrollHeight - scrollTop - clientHeight < END_PIXELS;
}

/** Stopped from another tab: the stream just ended. */
function isUnended(message: Message, failed: string | null): boolean {
  return failed === null && message.metadata?.status === undefined;
}
