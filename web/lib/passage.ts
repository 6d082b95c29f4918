import type { Citation } from './messages';
import { Store } from './store';

/** The passage that is shown, and the sentence that cites it. */
export interface Shown {
  readonly citation: Citation;
  readonly sentence: string;
}

export const shownPassage = new Store<Shown | null>(null);

export function openPassage(shown: Shown): void {
  shownPassage.set(shown);
}

export function closePassage(): void {
  shownPassage.set(null);
}
