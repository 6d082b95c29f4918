import type { Catalogue } from '@/text';
import { marked } from './marking';
import type { Availability, Citation, Place } from './messages';

/** The document's title; of one that may not be shown, what is known of it. */
export function titleOf({ title, availability }: { title: string; availability?: Availability }, text: Catalogue): string {
  return availability === 'withheld' ? text.chat.withheldTitle : title;
}

/** Page, slide, or sheet and rows: what one turns to in the document. */
export function spotOf({ page, lastPage, slide, sheet, rows }: Place, text: Catalogue): string {
  const table = rows ? text.chat.rows(...rows) : '';
  if (sheet) return [text.chat.sheet(sheet), table].filter(Boolean).join(', ');
  if (slide) return text.chat.slide(slide);
  if (page && lastPage && lastPage > page) return text.chat.pages(page, lastPage);
  return page ? text.chat.page(page) : table;
}

/** The page on which the longest piece of the quote stands that the sentence uses; the first one when none is used. */
export function pageOf({ page, quote, start = 0, pageStarts = [] }: Citation, sentence: string): number | null {
  if (page === null) return null;
  let at = 0;
  let longest = { length: 0, at: 0 };
  for (const piece of marked(quote, sentence)) {
    // Characters as the document counts them, not halves of them.
    const { length } = [...piece.text];
    if (piece.isMarked && length > longest.length) longest = { length, at };
    at += length;
  }
  return page + pageStarts.filter(begins => begins <= start + longest.at).length;
}

/** The whole way to it, outermost first. */
export function placeOf(place: Place, text: Catalogue): string {
  return [...place.heading, spotOf(place, text)].filter(Boolean).join(' › ');
}
