'use client';

import { useEffect, useState } from 'react';
import { collections, refreshCollections } from '@/lib/collections';
import { documents, loadMoreDocuments, refreshDocuments, showDocuments, uploads, watchDocuments } from '@/lib/documents';
import { account } from '@/lib/identity';
import { useStore } from '@/lib/store';
import { forgetSuggestions } from '@/lib/suggestions';
import { useText } from '@/text';
import { CollectionBar } from './CollectionBar';
import { DocumentRow, UploadRow } from './DocumentRow';
import { DropZone } from './DropZone';
import { SignInButton } from './SignInButton';

export function DocumentsPage() {
  const text = useText();
  const who = useStore(account, undefined);
  return (
    <div className="page">
      <h1>{text.documents.title}</h1>
      <p className="lead">{who && !who.email ? text.documents.guest : text.documents.lead}</p>
      {who && !who.email && <SignInButton />}
      {who?.email && <Mine key={who.email} />}
    </div>
  );
}

/** Of typing, after which the list is asked for. */
const PAUSE_MS = 250;

function Mine() {
  const text = useText();
  const list = useStore(documents);
  const known = useStore(collections);
  const sending = useStore(uploads);
  const [chosen, setChosen] = useState<string | null>(null);
  const [name, setName] = useState('');
  const collection = known.find(({ id }) => id === chosen) ?? null;
  const target = collection ?? known.find(({ kind }) => kind === 'own') ?? null;

  useEffect(() => {
    refreshCollections().catch(() => undefined);
    const leave = watchDocuments();
    return () => {
      leave();
      forgetSuggestions();
    };
  }, []);

  useEffect(() => {
    const timer = setTimeout(() => void showDocuments({ collection: chosen, name: name.trim() }), name ? PAUSE_MS : 0);
    return () => clearTimeout(timer);
  }, [chosen, name]);

  return (
    <>
      <CollectionBar known={known} chosen={collection} onChoose={setChosen} />
      {!target && <div className="drop" aria-hidden="true" />}
      {target?.may.upload && <DropZone collection={target} />}
      {target && !target.may.upload && <p className="drop">{text.documents.readOnly}</p>}
      <div className="list-head">
        <h2>{text.documents.list}</h2>
        <input
          type="search"
          className="filter"
          aria-label={text.documents.filter}
          placeholder={text.documents.filter}
          value={name}
          onChange={event => setName(event.target.value)}
        />
      </div>
      {list.state === 'failed' && (
        <p className="failure">
          {text.documents.failed}{' '}
          <button type="button" className="button" onClick={() => void refreshDocuments()}>
            {text.retry}
          </button>
        </p>
      )}
      {list.state === 'done' && list.items.length + sending.length === 0 && (
        <p className="hint">{name ? text.documents.noneFound : text.documents.none}</p>
      )}
      <ul className="documents">
        {sending.map(upload => (
          <UploadRow key={upload.key} upload={upload} />
        ))}
        {list.items.map(document => (
          <DocumentRow key={document.id} document={document} collection={known.find(({ id }) => id === document.collection)} />
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
