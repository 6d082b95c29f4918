'use client';

import { memo, useEffect, useRef, useState } from 'react';
import { textOf, type Message } from '@/lib/messages';
import { useText } from '@/text';
import { QUESTION_MAX_CHARACTERS } from './Composer';
import { Icon } from './icons';
import { Versions, type Direction, type Switch } from './Versions';

interface Props {
  readonly message: Message;
  readonly isWanted: boolean;
  /** An answer is coming in. */
  readonly isBusy: boolean;
  readonly focused?: Direction | undefined;
  readonly onEdit: (message: Message, question: string) => void;
  readonly onSwitch: Switch;
}

export const Question = memo(function Question({ message, isWanted, isBusy, focused, onEdit, onSwitch }: Props) {
  const text = useText();
  const [isEdited, setEdited] = useState(false);
  const pencil = useRef<HTMLButtonElement>(null);
  const siblings = message.metadata?.siblings;
  const close = (): void => {
    setEdited(false);
    // When it is there again.
    requestAnimationFrame(() => pencil.current?.focus());
  };
  return (
    <>
      <article className={isEdited ? 'question question-edited' : 'question'} aria-label={text.chat.you} data-wanted={isWanted || undefined}>
        {isEdited ? <Edit question={textOf(message)} isBusy={isBusy} onSend={question => onEdit(message, question)} onClose={close} /> : textOf(message)}
      </article>
      <div className="question-actions">
        {siblings && <Versions siblings={siblings} isBusy={isBusy} focused={focused} onSwitch={onSwitch} />}
        {!isBusy && !isEdited && (
          <button ref={pencil} type="button" className="quiet small" aria-label={text.versions.edit} title={text.versions.edit} onClick={() => setEdited(true)}>
            <Icon name="pencil" />
          </button>
        )}
      </div>
    </>
  );
});

interface EditProps {
  readonly question: string;
  readonly isBusy: boolean;
  readonly onSend: (question: string) => void;
  readonly onClose: () => void;
}

/** Where a question is put into other words; what it was stays to be gone back to. */
function Edit({ question, isBusy, onSend, onClose }: EditProps) {
  const text = useText();
  const [words, setWords] = useState(question);
  const field = useRef<HTMLTextAreaElement>(null);
  const canSend = !isBusy && words.trim() !== '' && words.trim() !== question;

  useEffect(() => {
    const { length } = field.current?.value ?? '';
    field.current?.focus();
    field.current?.setSelectionRange(length, length);
  }, []);

  const send = (): void => {
    if (!canSend) return;
    onClose();
    onSend(words.trim());
  };

  return (
    <form
      className="edit"
      onSubmit={event => {
        event.preventDefault();
        send();
      }}
    >
      <textarea
        ref={field}
        rows={1}
        value={words}
        maxLength={QUESTION_MAX_CHARACTERS}
        aria-label={text.versions.words}
        enterKeyHint="send"
        onChange={event => setWords(event.target.value)}
        onKeyDown={event => {
          if (event.key === 'Escape') onClose();
          if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return;
          event.preventDefault();
          send();
        }}
      />
      <p className="edit-actions">
        <button type="submit" className="button button-main" disabled={!canSend}>
          {text.versions.send}
        </button>
        <button type="button" className="button" onClick={onClose}>
          {text.cancel}
        </button>
      </p>
    </form>
  );
}
