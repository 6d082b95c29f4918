import { newId } from './ids';
import { Store } from './store';

/** The id of the session that begins with the next question; empty while the page is exported. */
export const draftId = new Store(typeof window === 'undefined' ? '' : newId());

/** What is typed and not sent; it outlives the field, which is another one as soon as the browser knows who is there. */
export const typed = new Store('');

/** The draft has its first question: it has an address from now on, and the next new chat is another one. */
export function takeDraft(): void {
  const id = draftId.value;
  window.history.replaceState(null, '', `/?chat=${id}`);
  draftId.set(newId());
}
