import { newId } from './ids';
import { Store } from './store';

/** A line at the edge of the page, with a way back for a while. */
export interface Notice {
  readonly id: string;
  readonly text: string;
  readonly undo?: () => void;
}

const SECONDS = 7;

export const notices = new Store<readonly Notice[]>([]);

const pending = new Map<string, () => void>();

/** Says something, then lets it go. */
export function say(text: string): void {
  const id = newId();
  notices.update(list => [...list, { id, text }]);
  setTimeout(() => drop(id), SECONDS * 1000);
}

/** Something that has happened, with a way back. */
export function offerUndo(text: string, undo: () => void): void {
  const id = newId();
  const timer = setTimeout(() => drop(id), SECONDS * 1000);
  const back = (): void => {
    clearTimeout(timer);
    drop(id);
    undo();
  };
  notices.update(list => [...list, { id, text, undo: back }]);
}

/** Something that happens in a moment unless it is undone; a page that is closed does it at once. */
export function announce(text: string, { undo, carryOut }: { undo: () => void; carryOut: () => Promise<void> }, onFailure: () => void): void {
  const id = newId();
  const act = (): void => {
    clearTimeout(timer);
    if (!pending.delete(id)) return;
    drop(id);
    carryOut().catch(() => {
      undo();
      onFailure();
    });
  };
  const timer = setTimeout(act, SECONDS * 1000);
  pending.set(id, act);
  const back = (): void => {
    clearTimeout(timer);
    pending.delete(id);
    drop(id);
    undo();
  };
  notices.update(list => [...list, { id, text, undo: back }]);
}

/** Everything that still waits is done. */
export function carryOutAll(): void {
  for (const act of [...pending.values()]) act();
}

function drop(id: string): void {
  notices.update(list => list.filter(notice => notice.id !== id));
}
