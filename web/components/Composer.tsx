'use client';

import { useEffect, useId, useRef } from 'react';
import { typed } from '@/lib/draft';
import { useStore } from '@/lib/store';
import { useText } from '@/text';
import { Icon } from './icons';

/** What the server takes. */
export const QUESTION_MAX_CHARACTERS = 8000;

interface Props {
  readonly isBusy: boolean;
  readonly canStop: boolean;
  readonly isFollowUp: boolean;
  readonly onAsk: (question: string) => void;
  readonly onStop: () => void;
}

/** Where one asks. A question can be written while an answer comes; it is sent when that has ended. */
export function Composer({ isBusy, canStop, isFollowUp, onAsk, onStop }: Props) {
  const text = useText();
  const draft = useStore(typed, '');
  const field = useRef<HTMLTextAreaElement>(null);
  const hintId = useId();
  const over = draft.trim().length - QUESTION_MAX_CHARACTERS;
  const canSend = !isBusy && draft.trim() !== '' && over <= 0;

  useEffect(() => {
    // On a phone the keyboard would cover half of the page before anybody asked for it.
    if (window.matchMedia('(hover: hover)').matches) field.current?.focus({ preventScroll: true });
  }, []);

  const send = (): void => {
    if (!canSend) return;
    onAsk(draft.trim());
    typed.set('');
  };

  return (
    <form
      className="composer"
      onSubmit={event => {
        event.preventDefault();
        send();
      }}
    >
      <div className="composer-box">
        <textarea
          ref={field}
          rows={1}
          value={draft}
          aria-label={text.composer.label}
          aria-describedby={hintId}
          aria-invalid={over > 0}
          placeholder={isFollowUp ? text.composer.followUp : text.composer.placeholder}
          enterKeyHint="send"
          onChange={event => typed.set(event.target.value)}
          onKeyDown={event => {
            if (event.key === 'Escape' && canStop) onStop();
            // Enter that chooses a word of an input method sends nothing.
            if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
            event.preventDefault();
            send();
          }}
        />
        {canStop ? (
          <button type="button" className="round" aria-label={text.composer.stop} title={text.composer.stop} onClick={onStop}>
            <Icon name="stop" />
          </button>
        ) : (
          <button type="submit" className="round" aria-label={text.composer.send} title={text.composer.send} disabled={!canSend}>
            <Icon name="send" />
          </button>
        )}
      </div>
      <p id={hintId} className="hint composer-hint" role={over > 0 ? 'alert' : undefined}>
        {over > 0 ? text.composer.tooLong(over) : text.composer.hint}
      </p>
    </form>
  );
}
