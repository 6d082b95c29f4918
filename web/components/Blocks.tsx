'use client';

import { startTransition, useEffect, useLayoutEffect, useRef, useState, type ReactNode, type RefObject } from 'react';
import type { Message } from '@/lib/messages';

const BLOCK = 16;
/** So far from the view a block is put into the page, and out of it. */
const MARGIN = '1500px 0px';
/** Of a block that was never in the page. */
const GUESSED_PIXELS = BLOCK * 150;
/** At the end, where a chat opens. */
const OPENED = 2;

interface Props {
  readonly scroller: RefObject<HTMLDivElement | null>;
  readonly messages: readonly Message[];
  /** A message that must be there wherever the view is. */
  readonly wanted: string | null;
  /** Whether the view follows the end. */
  readonly isAtEnd: () => boolean;
  /** An element with the message's id as its key. */
  readonly render: (message: Message) => ReactNode;
}

/** Messages in blocks, of which only those near the view are in the page; the others keep their height.
 *
 * What is being read stays where it is, whatever comes in above it or changes its height there.
 */
export function Blocks({ scroller, messages, wanted, isAtEnd, render }: Props) {
  const base = useBase(messages);
  const blocks = blocksOf(messages, base);
  const [near, setNear] = useState<ReadonlySet<string> | null>(null);
  const heights = useRef(new Map<string, number>());
  const total = useRef(0);
  const observers = useRef<{ view: IntersectionObserver; size: ResizeObserver } | null>(null);
  const last = messages.at(-1)?.id;

  useEffect(() => {
    const root = scroller.current;
    // In pieces of a few milliseconds: whoever scrolls sees every frame, and what is put into the page is not in view yet.
    const look = (entries: readonly IntersectionObserverEntry[]): void => startTransition(() => setNear(now => changed(now, entries)));
    const view = new IntersectionObserver(look, { root, rootMargin: MARGIN });
    const size = new ResizeObserver(entries => {
      if (!root) return;
      let grown = 0;
      for (const { target } of entries) {
        if (target === root) continue;
        const { id, pixels } = measured(target);
        const before = heights.current.get(id) ?? pixels;
        heights.current.set(id, pixels);
        if ((target as HTMLElement).offsetTop + before <= root.scrollTop) grown += pixels - before;
      }
      if (isAtEnd()) root.scrollTop = root.scrollHeight;
      else if (grown !== 0) root.scrollTop += grown;
      total.current = root.scrollHeight;
    });
    if (root) size.observe(root);
    observers.current = { view, size };
    return () => {
      view.disconnect();
      size.disconnect();
      observers.current = null;
    };
    // eslint-disable-next-line react-hooks/exhaustive-deps -- they live as long as the list
  }, []);

  useLayoutEffect(() => {
    // Earlier messages have come in above.
    const root = scroller.current;
    if (!root) return;
    if (total.current > 0 && !isAtEnd()) root.scrollTop += root.scrollHeight - total.current;
    for (const element of elementsIn(root)) heights.current.set(measured(element).id, measured(element).pixels);
    // eslint-disable-next-line react-hooks/exhaustive-deps -- when the first one is another, and only then
  }, [base]);

  useLayoutEffect(() => {
    total.current = scroller.current?.scrollHeight ?? 0;
  });

  useEffect(() => {
    const root = scroller.current;
    if (!root || !observers.current) return;
    // What is observed already is not observed twice.
    for (const element of elementsIn(root)) {
      observers.current.view.observe(element);
      observers.current.size.observe(element);
    }
  }, [scroller, base, last, blocks.length]);

  return blocks.map(({ id, messages: inside }, index) => {
    const isOpen = near === null ? index >= blocks.length - OPENED : near.has(id);
    const isThere = isOpen || index === blocks.length - 1 || inside.some(message => message.id === wanted);
    return (
      <div key={id} className="block" data-block={id} style={isThere ? undefined : { height: heights.current.get(id) ?? GUESSED_PIXELS }}>
        {isThere && inside.map(render)}
      </div>
    );
  });
}

/** How many messages have come in before the one that was the first; below zero, so that blocks keep their names. */
function useBase(messages: readonly Message[]): number {
  const known = useRef<{ first: string | undefined; base: number }>({ first: undefined, base: 0 });
  const first = messages[0]?.id;
  if (known.current.first !== first) {
    const at = messages.findIndex(message => message.id === known.current.first);
    known.current = { first, base: at > 0 ? known.current.base - at : 0 };
  }
  return known.current.base;
}

interface Block {
  readonly id: string;
  readonly messages: readonly Message[];
}

function blocksOf(messages: readonly Message[], base: number): readonly Block[] {
  const blocks: Block[] = [];
  for (let at = 0; at < messages.length; ) {
    const number = Math.floor((base + at) / BLOCK);
    const end = (number + 1) * BLOCK - base;
    blocks.push({ id: String(number), messages: messages.slice(at, end) });
    at = end;
  }
  return blocks;
}

function changed(now: ReadonlySet<string> | null, entries: readonly IntersectionObserverEntry[]): ReadonlySet<string> {
  const next = new Set(now);
  for (const { target, isIntersecting } of entries) {
    const { id } = measured(target);
    // Where the focus is, something must stay.
    if (isIntersecting || target.contains(document.activeElement)) next.add(id);
    else next.delete(id);
  }
  return next;
}

function elementsIn(root: HTMLElement): Iterable<HTMLElement> {
  return root.querySelectorAll<HTMLElement>('[data-block]');
}

function measured(element: Element): { id: string; pixels: number } {
  const { dataset, offsetHeight } = element as HTMLElement;
  return { id: dataset.block ?? '', pixels: offsetHeight };
}
