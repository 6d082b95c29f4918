import type { Catalogue } from '@/text';
import type { Collection } from './collections';

/** What a collection is called; two have no name of their own. */
export function nameOf(collection: Collection | undefined, text: Catalogue): string {
  if (!collection) return text.documents.otherCollection;
  if (collection.kind === 'own') return text.documents.own;
  return collection.kind === 'public' ? text.documents.public : collection.name;
}

/** Who gets answers from it. */
export function readersOf(collection: Collection | undefined, text: Catalogue): string {
  if (!collection) return '';
  if (collection.public) return text.documents.everybody;
  if (collection.kind === 'own') return text.documents.onlyMe;
  if (collection.groups === null) return text.documents.someGroups;
  const groups = Object.keys(collection.groups);
  return groups.length > 0 ? text.documents.groups(groups.join(', ')) : text.documents.onlyMe;
}
