'use client';

import { useRef, useState, type DragEvent } from 'react';
import type { Collection } from '@/lib/collections';
import { uploadFiles } from '@/lib/documents';
import { nameOf, readersOf } from '@/lib/readers';
import { useText } from '@/text';
import { Icon } from './icons';

/** Takes files by mouse and by keyboard, and says who will read them. */
export function DropZone({ collection }: { collection: Collection }) {
  const text = useText();
  const input = useRef<HTMLInputElement>(null);
  const [isOver, setOver] = useState(false);
  const take = (files: FileList | null): void => {
    if (files) uploadFiles(files, collection.id);
  };
  const over = (event: DragEvent): void => {
    event.preventDefault();
    setOver(true);
  };
  return (
    <div
      className="drop"
      data-over={isOver}
      onDragEnter={over}
      onDragOver={over}
      onDragLeave={event => {
        // Onto something inside of it is not away.
        if (!event.currentTarget.contains(event.relatedTarget as Node | null)) setOver(false);
      }}
      onDrop={event => {
        event.preventDefault();
        setOver(false);
        take(event.dataTransfer.files);
      }}
    >
      <Icon name="upload" />
      <p>{text.documents.drop}</p>
      <button type="button" className="button" onClick={() => input.current?.click()}>
        {text.documents.choose}
      </button>
      <p className="drop-target">{text.documents.into(nameOf(collection, text), readersOf(collection, text))}</p>
      <p className="hint">{text.documents.kinds}</p>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        aria-hidden="true"
        onChange={event => {
          take(event.target.files);
          // The same file may be chosen again.
          event.target.value = '';
        }}
      />
    </div>
  );
}
