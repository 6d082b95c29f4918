'use client';

import { useEffect, useState } from 'react';
import { documents, loadMoreDocuments, PUBLIC, refreshDocuments, uploads, watchDocuments } from '@/lib/documents';
import { account } from '@/lib/identity';
import { useStore } from '@/lib/store';
import { useText } from '@/text';
import { DocumentRow, UploadRow } from './DocumentRow';
import { DropZone } from './DropZone';

const EDITORS = 'editors';

export function DocumentsPage() {
  const text = useText();
  const who = useStore(account, undefined);
  return (
    <div className="page">
      <h1>{text.documents.title}</h1>
      <p className="lead">{who && !who.email ? text.documents.guest : text.documents.lead}</p>
      {who?.email && <Mine key={who.email} isEditor={who.groups.includes(EDITORS)} />}
    </div>
  );
}

function Mine({ isEditor }: { isEditor: boolean }) {
  const text = useText();
  const list = useStore(documents);
  const sending = useStore(uploads);
  const [collection, setCollection] = useState<string | null>(null);

  useEffect(() => watchDocuments(), []);

  return (
    <>
      {isEditor && (
        <fieldset className="choices">
          <legend>{text.documents.who}</legend>
          <label>
            <input type="radio" name="collection" checked={collection === null} onChange={() => setCollection(null)} />
            <span>{text.documents.onlyMe}</span>
          </label>
          <label>
            <input type="radio" name="collection" checked={collection === PUBLIC} onChange={() => setCollection(PUBLIC)} />
            <span>{text.documents.everybody}</span>
          </label>
        </fieldset>
      )}
      <DropZone collection={collection} />
      <h2>{text.documents.list}</h2>
      {list.state === 'failed' && (
        <p className="failure">
          {text.documents.failed}{' '}
          <button type="button" className="button" onClick={() => void refreshDocuments()}>
            {text.retry}
          </button>
        </p>
      )}
      {list.state === 'done' && list.items.length + sending.length === 0 && <p className="hint">{text.documents.none}</p>}
      <ul className="documents">
        {sending.map(upload => (
          <UploadRow key={upload.key} upload={upload} />
        ))}
        {list.items.map(document => (
          <DocumentRow key={document.id} document={document} canDelete={isEditor || document.collection !== PUBLIC} />
        ))}
      </ul>
      {list.next && (
        <button type="button" className="text-button" onClick={() => void loadMoreDocuments()}>
          {text.documents.more}
        </button>
      )}
    </>
  );
}
