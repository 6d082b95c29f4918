import type { Catalogue } from '@/text';
import type { Availability, Place } from './messages';

/** The document's title; of one that may not be shown, what is known of it. */
export function titleOf({ title, availability }: { title: string; availability?: Availability }, text: Catalogue): string {
  return availability === 'withheld' ? text.chat.withheldTitle : title;
}

/** Page, slide, or sheet and rows: what one turns to in the document. */
export function spotOf({ page, slide, sheet, rows }: Place, text: Catalogue): string {
  const table = rows ? text.chat.rows(...rows) : '';
  if (sheet) return [text.chat.sheet(sheet), table].filter(Boolean).join(', ');
  if (slide) return text.chat.slide(slide);
  return page ? text.chat.page(page) : table;
}

/** The whole way to it, outermost first. */
export function placeOf(place: Place, text: Catalogue): string {
  return [...place.heading, spotOf(place, text)].filter(Boolean).join(' › ');
}
