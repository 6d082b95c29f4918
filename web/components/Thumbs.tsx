'use client';

import { useId, useState } from 'react';
import type { Feedback } from '@/lib/messages';
import { say } from '@/lib/notices';
import { useText } from '@/text';
import { Icon } from './icons';

type Rating = Feedback['rating'];

interface Props {
  readonly feedback: Feedback | null;
  readonly onRate: (rating: Rating | null, reason: string | null) => Promise<void>;
  /** Opens the form for the reason, or closes it. */
  readonly onReason: (isOpen: boolean) => void;
}

/** Whether an answer was good; a second press takes it back. */
export function Thumbs({ feedback, onRate, onReason }: Props) {
  const text = useText();
  const choose = (rating: Rating): void => {
    const isTakenBack = feedback?.rating === rating;
    onReason(!isTakenBack);
    onRate(isTakenBack ? null : rating, null).catch(() => say(text.feedback.failed));
  };
  return (
    <>
      {(['up', 'down'] as const).map(rating => (
        <button
          key={rating}
          type="button"
          className="quiet small"
          aria-label={text.feedback[rating]}
          title={text.feedback[rating]}
          aria-pressed={feedback?.rating === rating}
          onClick={() => choose(rating)}
        >
          <Icon name={rating === 'up' ? 'thumbUp' : 'thumbDown'} />
        </button>
      ))}
    </>
  );
}

const REASON_MAX_CHARACTERS = 1_000;

interface ReasonProps {
  readonly rating: Rating;
  readonly onRate: Props['onRate'];
  readonly onClose: () => void;
}

/** Why; a thumb counts without it. */
export function Reason({ rating, onRate, onClose }: ReasonProps) {
  const text = useText();
  const id = useId();
  const [kind, setKind] = useState<string | null>(null);
  const [words, setWords] = useState('');
  const reason = [kind, words.trim()].filter(Boolean).join(': ');
  const send = (): void => {
    onClose();
    onRate(rating, reason || null).then(
      () => say(text.feedback.thanks),
      () => say(text.feedback.failed),
    );
  };
  return (
    <form
      className="reason"
      onSubmit={event => {
        event.preventDefault();
        send();
      }}
      onKeyDown={event => {
        if (event.key === 'Escape') onClose();
      }}
    >
      {rating === 'down' && (
        <fieldset className="choices">
          <legend>{text.feedback.what}</legend>
          {text.feedback.kinds.map(one => (
            <label key={one}>
              <input type="radio" name={id} checked={one === kind} onChange={() => setKind(one)} />
              <span>{one}</span>
            </label>
          ))}
        </fieldset>
      )}
      <div className="field">
        <label htmlFor={`${id}-words`}>{rating === 'up' ? text.feedback.good : text.feedback.words}</label>
        <textarea id={`${id}-words`} rows={2} maxLength={REASON_MAX_CHARACTERS} value={words} onChange={event => setWords(event.target.value)} />
      </div>
      <p className="reason-actions">
        <button type="submit" className="button button-main" disabled={!reason}>
          {text.feedback.send}
        </button>
        <button type="button" className="button" onClick={onClose}>
          {text.feedback.skip}
        </button>
      </p>
    </form>
  );
}
