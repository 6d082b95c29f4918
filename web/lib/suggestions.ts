import { request } from './api';
import { account } from './identity';
import { Store } from './store';

/** First questions from the documents that may be read here; empty until they are known, and when there are none. */
export const suggestions = new Store<readonly string[]>([]);

/** Whose they are; undefined while nobody's. */
let whose: string | null | undefined;

/** Somebody has been where documents come and go: the next page to show them asks again. */
export function forgetSuggestions(): void {
  whose = undefined;
}

/** Asks for them, once for each account; without them a page is as good. */
export async function loadSuggestions(): Promise<void> {
  const asker = account.value;
  if (!asker || whose === asker.email) return;
  whose = asker.email;
  suggestions.set([]);
  try {
    const { items } = await request<{ items: readonly { question: string }[] }>('/v1/documents/suggestions?limit=4');
    if (whose === asker.email) suggestions.set(items.map(({ question }) => question));
  } catch {
    whose = undefined;
  }
}
