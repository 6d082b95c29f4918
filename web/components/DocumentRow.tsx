'use client';

import { dismissUpload, hideDocument, isAtWork, PUBLIC, type Document, type Upload } from '@/lib/documents';
import { announce, say } from '@/lib/notices';
import { moment, size } from '@/lib/time';
import { useLocale, useText } from '@/text';
import { failure } from '@/text/failures';
import { Icon } from './icons';

/** A document, and how far it is. */
export function DocumentRow({ document, canDelete }: { document: Document; canDelete: boolean }) {
  const text = useText();
  const locale = useLocale();
  const { status, progress, title } = document;
  const states = {
    queued: text.documents.uploaded,
    uploaded: text.documents.uploaded,
    parsing: text.documents.parsing,
    chunking: text.documents.chunking,
    embedding: text.documents.embedding(progress.done, progress.total),
    searchable: text.documents.searchable,
    failed: text.documents.failedState,
  };
  const facts = [
    document.file_name === title ? '' : document.file_name,
    size(document.size_bytes, locale),
    document.version > 1 ? text.documents.version(document.version) : '',
    document.collection === PUBLIC ? text.documents.everybody : text.documents.onlyMe,
    moment(document.created_at, locale),
  ];
  const remove = (): void =>
    announce(text.documents.deleted(title), hideDocument(document.id), () => say(text.documents.deleteFailed));
  return (
    <li className="document">
      <Icon name="documents" />
      <div className="document-text">
        <p className="document-title">{title}</p>
        <p className="hint">{facts.filter(Boolean).join(' · ')}</p>
        {document.failure && <p className="document-problem">{document.failure.message}</p>}
        {isAtWork(document) && <progress aria-label={states[status]} max={progress.total || 1} value={progress.total ? progress.done : undefined} />}
      </div>
      <p className="document-state" data-state={status}>
        {states[status]}
      </p>
      {canDelete && (
        <button type="button" className="quiet small" aria-label={text.documents.deleteOf(title)} onClick={remove}>
          <Icon name="bin" />
        </button>
      )}
    </li>
  );
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
