'use client';

import { useState } from 'react';
import type { Collection } from '@/lib/collections';
import { nameOf, readersOf } from '@/lib/readers';
import { useText } from '@/text';
import { CollectionDialog } from './CollectionDialog';
import { Icon } from './icons';

interface Props {
  readonly known: readonly Collection[];
  /** Null: all of them. */
  readonly chosen: Collection | null;
  readonly onChoose: (id: string | null) => void;
}

/** The collections, which of them is shown, and who reads that. */
export function CollectionBar({ known, chosen, onChoose }: Props) {
  const text = useText();
  const [edited, setEdited] = useState<Collection | 'new' | null>(null);
  return (
    <section className="collections" aria-label={text.documents.collections}>
      <fieldset className="choices">
        <legend className="visually-hidden">{text.documents.collections}</legend>
        <label>
          <input type="radio" name="collection" checked={chosen === null} onChange={() => onChoose(null)} />
          <span>{text.documents.all}</span>
        </label>
        {known.map(collection => (
          <label key={collection.id}>
            <input type="radio" name="collection" checked={chosen?.id === collection.id} onChange={() => onChoose(collection.id)} />
            <span>{nameOf(collection, text)}</span>
          </label>
        ))}
        <button type="button" className="new-collection" onClick={() => setEdited('new')}>
          <Icon name="plus" /> {text.documents.newCollection}
        </button>
      </fieldset>
      {chosen && (
        <p className="readers">
          <Icon name="person" /> {text.documents.readBy(readersOf(chosen, text))}
          {chosen.may.manage && (
            <button type="button" className="text-button" onClick={() => setEdited(chosen)}>
              {text.documents.change}
            </button>
          )}
        </p>
      )}
      {edited && (
        <CollectionDialog
          collection={edited === 'new' ? null : edited}
          onClose={() => setEdited(null)}
          onDeleted={() => onChoose(null)}
        />
      )}
    </section>
  );
}
