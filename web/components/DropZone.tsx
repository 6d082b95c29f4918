'use client';

import { useRef, useState, type DragEvent } from 'react';
import { uploadFiles } from '@/lib/documents';
import { useText } from '@/text';
import { Icon } from './icons';

/** Takes files by mouse and by keyboard. */
export function DropZone({ collection }: { collection: string | null }) {
  const text = useText();
  const input = useRef<HTMLInputElement>(null);
  const [isOver, setOver] = useState(false);
  const take = (files: FileList | null): void => {
    if (files) uploadFiles(files, collection);
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
      onDragLeave={() => setOver(false)}
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
