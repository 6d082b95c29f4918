'use client';

import { useState } from 'react';
import type { Collection } from '@/lib/collections';
import { dismissUpload, hideDocument, isAtWork, steerDocument, type Document, type Upload } from '@/lib/documents';
import { announce, say } from '@/lib/notices';
import { saveOriginal } from '@/lib/originals';
import { nameOf, readersOf } from '@/lib/readers';
import { moment, seconds, size } from '@/lib/time';
import { useLocale, useText, type Catalogue } from '@/text';
import { documentFailure, failure } from '@/text/failures';
import { Icon } from './icons';

interface Props {
  readonly document: Document;
  /** Undefined until the collections are known. */
  readonly collection: Collection | undefined;
}

/** A document, how far it is, and who reads it. */
export function DocumentRow({ document, collection }: Props) {
  const text = useText();
  const locale = useLocale();
  const [isSaving, setSaving] = useState(false);
  const { id, status, progress, title } = document;
  const state = stateOf(document, text);
  const left = progress.seconds_left;
  const facts = [
    document.file_name === title ? '' : document.file_name,
    size(document.size_bytes, locale),
    moment(document.created_at, locale),
    document.version > 1 ? text.documents.version(document.version) : '',
  ];
  const readers = [nameOf(collection, text), readersOf(collection, text)].filter(Boolean).join(': ');
  const canSteer = document.mine || collection?.may.upload === true;
  const remove = (): void =>
    announce(text.documents.deleted(title), hideDocument(id), () => say(text.documents.deleteFailed));
  const steer = (what: 'retry' | 'cancel'): void => void steerDocument(id, what).catch((error: unknown) => say(failure(error, text)));
  const save = async (): Promise<void> => {
    setSaving(true);
    try {
      await saveOriginal({ id, version: document.version, mediaType: document.media_type }, document.file_name);
    } catch (error) {
      say(failure(error, text));
    } finally {
      setSaving(false);
    }
  };
  return (
    <li className="document">
      <Icon name="documents" />
      <div className="document-text">
        <p className="document-title">{title}</p>
        <p className="hint">{facts.filter(Boolean).join(' · ')}</p>
        <p className="hint">{readers}</p>
        {document.failure && <p className="document-problem">{documentFailure(document.failure, text)}</p>}
        {document.searchable_version !== null && document.searchable_version !== document.version && (
          <p className="hint">{text.documents.stillAnswers(document.searchable_version)}</p>
        )}
        {isAtWork(document) && <progress aria-label={state} max={progress.total || 1} value={progress.total ? progress.done : undefined} />}
      </div>
      <p className="document-state" data-state={status}>
        {state}
        {status === 'embedding' && left !== null && <small>{text.documents.left(seconds(left, locale))}</small>}
      </p>
      <span className="document-actions">
        <button
          type="button"
          className="quiet small"
          aria-label={text.documents.saveOf(title)}
          title={text.documents.saveDocument}
          aria-disabled={isSaving}
          onClick={() => isSaving || void save()}
        >
          <Icon name="download" />
        </button>
        {canSteer && status === 'failed' && (
          <button type="button" className="quiet small" aria-label={text.documents.retryOf(title)} title={text.retry} onClick={() => steer('retry')}>
            <Icon name="again" />
          </button>
        )}
        {canSteer && isAtWork(document) && (
          <button type="button" className="quiet small" aria-label={text.documents.cancelOf(title)} title={text.cancel} onClick={() => steer('cancel')}>
            <Icon name="close" />
          </button>
        )}
        {canSteer && !isAtWork(document) && (
          <button type="button" className="quiet small" aria-label={text.documents.deleteOf(title)} title={text.documents.delete} onClick={remove}>
            <Icon name="bin" />
          </button>
        )}
      </span>
    </li>
  );
}

function stateOf({ status, progress }: Document, text: Catalogue): string {
  const states = {
    queued: text.documents.queued,
    uploaded: text.documents.uploaded,
    parsing: text.documents.parsing,
    chunking: text.documents.chunking,
    embedding: text.documents.embedding(progress.done, progress.total),
    searchable: text.documents.searchable,
    failed: text.documents.failedState,
  };
  return states[status];
}

/** A file that is being sent, or could not be. */
export function UploadRow({ upload }: { upload: Upload }) {
  const text = useText();
  const percent = Math.round(upload.share * 100);
  return (
    <li className="document">
      <Icon name="upload" />
      <div className="document-text">
        <p className="document-title">{upload.name}</p>
        {upload.problem ? (
          <p className="document-problem">{failure(upload.problem, text)}</p>
        ) : (
          <progress aria-label={text.documents.sending(percent)} max={100} value={percent} />
        )}
      </div>
      <p className="document-state" data-state={upload.problem ? 'failed' : 'uploaded'}>
        {upload.problem ? text.documents.failedState : text.documents.sending(percent)}
      </p>
      {upload.problem && (
        <button type="button" className="quiet small" aria-label={text.documents.dismiss} onClick={() => dismissUpload(upload.key)}>
          <Icon name="close" />
        </button>
      )}
    </li>
  );
}
