'use client';

import { lazy, memo, Suspense, useEffect, useState } from 'react';
import { citationsOf, sourcesOf, textOf, type Feedback, type Message } from '@/lib/messages';
import type { View } from '@/lib/session-chat';
import { seconds } from '@/lib/time';
import { useLocale, useText } from '@/text';
import { storedFailure } from '@/text/failures';
import { CopyButton } from './CopyButton';
import { Icon } from './icons';
import { Sources } from './Sources';
import { Reason, Thumbs } from './Thumbs';
import { Versions, type Direction, type Switch } from './Versions';

/** Apart from the first load, of which it would be a fifth; on its way before the first word can be here. */
const loadMarkdown = () => import('./Markdown');
const Markdown = lazy(() => loadMarkdown().then(({ Markdown: component }) => ({ default: component })));

export function preloadMarkdown(): void {
  void loadMarkdown();
}

/** Stores what one thinks of an answer; null takes it back. */
export type Rate = (message: Message, rating: Feedback['rating'] | null, reason: string | null) => Promise<void>;

interface Props {
  readonly message: Message;
  /** Of the answer that is coming in; undefined for one that has ended. */
  readonly view?: View | undefined;
  readonly isStopped: boolean;
  /** The reason of its failure stands under the messages, with the way on. */
  readonly isSaidBelow: boolean;
  /** Somebody came for this one. */
  readonly isWanted?: boolean;
  readonly onRate?: Rate;
  readonly onAgain?: ((message: Message) => void) | undefined;
  readonly onSwitch?: Switch;
  /** An answer is coming in. */
  readonly isBusy?: boolean;
  readonly focused?: Direction | undefined;
}

export const Answer = memo(function Answer({ message, view, isStopped, isSaidBelow, isWanted, onRate, onAgain, onSwitch, isBusy = false, focused }: Props) {
  const text = useText();
  const content = textOf(message);
  const citations = citationsOf(message);
  const sources = sourcesOf(message);
  const status = message.metadata?.status;
  const isComing = view !== undefined;
  const feedback = message.metadata?.feedback ?? null;
  const siblings = message.metadata?.siblings;
  const [isReasonOpen, setReasonOpen] = useState(false);
  return (
    <article className="answer" aria-label={text.chat.answer} aria-busy={isComing} data-wanted={isWanted || undefined}>
      {view ? <Progress view={view} passages={sources.length} /> : <Outcome message={message} isStopped={isStopped} />}
      <Sources sources={sources} citations={citations} />
      <div className="prose">
        <Suspense>
          <Markdown content={content} citations={citations} isComing={isComing} />
        </Suspense>
      </div>
      {status === 'failed' && !isSaidBelow && <p className="failure">{storedFailure(message.metadata?.failure, text)}</p>}
      <div className="answer-actions">
        {!isComing && siblings && onSwitch && <Versions siblings={siblings} isBusy={isBusy} focused={focused} onSwitch={onSwitch} />}
        {!isComing && content && <CopyButton content={() => content} label={text.chat.copyAnswer} />}
        {!isComing && content && onRate && <Thumbs feedback={feedback} onRate={(...said) => onRate(message, ...said)} onReason={setReasonOpen} />}
        {!isComing && onAgain && (
          <button type="button" className="quiet small" aria-label={text.versions.again} title={text.versions.again} onClick={() => onAgain(message)}>
            <Icon name="again" />
          </button>
        )}
      </div>
      {isReasonOpen && feedback && onRate && <Reason rating={feedback.rating} onRate={(...said) => onRate(message, ...said)} onClose={() => setReasonOpen(false)} />}
    </article>
  );
});

/** Before the server has said a word. */
export function Awaited({ view }: { view: View }) {
  const text = useText();
  return (
    <article className="answer" aria-label={text.chat.answer} aria-busy>
      <Progress view={view} passages={0} />
      <div className="answer-actions" />
    </article>
  );
}

/** What the service is doing right now, and for how long. */
function Progress({ view, passages }: { view: View; passages: number }) {
  const text = useText();
  const doing = {
    queued: text.chat.queued,
    searching: text.chat.searching,
    reading: text.chat.reading(passages),
    writing: text.chat.writing,
  };
  return (
    <p className="progress" data-stage={view.stage ?? 'sending'}>
      <span className="pen" aria-hidden="true" />
      <span>{view.stage ? doing[view.stage] : text.chat.sending}</span>
      {view.askedAt !== null && <Elapsed since={view.askedAt} />}
    </p>
  );
}

const TICK_MS = 100;
/** What can be shown of a shorter time would be none. */
const LEAST_SECONDS = 0.1;

function Elapsed({ since }: { since: number }) {
  const locale = useLocale();
  const [now, setNow] = useState(since);
  useEffect(() => {
    const timer = setInterval(() => setNow(performance.now()), TICK_MS);
    return () => clearInterval(timer);
  }, []);
  return (
    <span className="elapsed" aria-hidden="true">
      {seconds(Math.max(0, (now - since) / 1000), locale)}
    </span>
  );
}

function Outcome({ message, isStopped }: { message: Message; isStopped: boolean }) {
  const text = useText();
  const locale = useLocale();
  const { status, timings } = message.metadata ?? {};
  const took = (timings?.retrieval_seconds ?? 0) + (timings?.generation_seconds ?? 0);
  const cancelled = isStopped || status === 'cancelled';
  return (
    <p className="progress progress-ended">
      {cancelled && text.chat.stopped}
      {!cancelled && status === 'completed' && took > 0 && text.chat.done(seconds(Math.max(took, LEAST_SECONDS), locale))}
    </p>
  );
}
