'use client';

import { useEffect, useRef } from 'react';
import type { Siblings } from '@/lib/messages';
import { useText } from '@/text';
import { Icon } from './icons';

export type Direction = 'previous' | 'next';

/** Shows another message in the stead of this one. */
export type Switch = (messageId: string, direction: Direction) => void;

interface Props {
  readonly siblings: Siblings;
  readonly isBusy: boolean;
  readonly onSwitch: Switch;
  /** Somebody has come here with this button: it has the focus still. */
  readonly focused?: Direction | undefined;
}

const STEP = { previous: -1, next: 1 } as const;
const KEYS: Readonly<Record<string, Direction>> = { ArrowLeft: 'previous', ArrowRight: 'next' };

/** “2 / 3”, with a way to the others; by the arrow keys as well. */
export function Versions({ siblings, isBusy, onSwitch, focused }: Props) {
  const text = useText();
  const buttons = useRef<Partial<Record<Direction, HTMLButtonElement | null>>>({});
  const { ids, index } = siblings;
  const go = (direction: Direction): void => {
    const id = ids[index + STEP[direction]];
    if (id !== undefined && !isBusy) onSwitch(id, direction);
  };

  useEffect(() => {
    if (focused) buttons.current[focused]?.focus({ preventScroll: true });
  }, [focused]);

  const button = (direction: Direction) => (
    <button
      ref={element => {
        buttons.current[direction] = element;
      }}
      type="button"
      className="quiet small"
      aria-label={text.versions[direction]}
      title={text.versions[direction]}
      // One that is disabled would lose the focus.
      aria-disabled={isBusy || ids[index + STEP[direction]] === undefined}
      onClick={() => go(direction)}
    >
      <Icon name={direction} />
    </button>
  );
  return (
    <div
      className="versions"
      role="group"
      aria-label={text.versions.of(index + 1, ids.length)}
      onKeyDown={event => {
        const direction = KEYS[event.key];
        if (direction) go(direction);
      }}
    >
      {button('previous')}
      <span aria-hidden="true">
        {index + 1} / {ids.length}
      </span>
      {button('next')}
    </div>
  );
}
