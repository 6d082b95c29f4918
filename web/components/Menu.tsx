'use client';

import { useId, useRef, type KeyboardEvent } from 'react';
import { Icon, type IconName } from './icons';

export interface MenuItem {
  readonly name: string;
  readonly icon: IconName;
  readonly onChoose: () => void;
}

/** A button that opens a list of things to do; the browser closes it at a click beside it, and at Escape. */
export function Menu({ label, items }: { label: string; items: readonly MenuItem[] }) {
  const id = useId();
  const button = useRef<HTMLButtonElement>(null);
  const list = useRef<HTMLDivElement>(null);

  const place = (): void => {
    const at = button.current?.getBoundingClientRect();
    if (!at || !list.current) return;
    const { style, offsetHeight, offsetWidth } = list.current;
    const below = at.bottom + offsetHeight < window.innerHeight;
    style.top = `${below ? at.bottom + 4 : at.top - offsetHeight - 4}px`;
    style.left = `${Math.max(8, Math.min(at.left, window.innerWidth - offsetWidth - 8))}px`;
    list.current.querySelector<HTMLElement>('[role=menuitem]')?.focus();
  };

  const move = (event: KeyboardEvent): void => {
    const all = [...(list.current?.querySelectorAll<HTMLElement>('[role=menuitem]') ?? [])];
    const at = all.indexOf(document.activeElement as HTMLElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 }[event.key];
    if (event.key === 'Tab') list.current?.hidePopover();
    if (to === undefined) return;
    event.preventDefault();
    all.at(to % all.length)?.focus();
  };

  return (
    <>
      <button ref={button} type="button" className="quiet small" aria-label={label} title={label} aria-haspopup="menu" popoverTarget={id}>
        <Icon name="more" />
      </button>
      <div ref={list} id={id} role="menu" aria-label={label} popover="auto" className="menu" onKeyDown={move} onToggle={event => event.newState === 'open' && place()}>
        {items.map(({ name, icon, onChoose }) => (
          <button
            key={name}
            type="button"
            role="menuitem"
            tabIndex={-1}
            onClick={() => {
              list.current?.hidePopover();
              button.current?.focus();
              onChoose();
            }}
          >
            <Icon name={icon} /> {name}
          </button>
        ))}
      </div>
    </>
  );
}
