'use client';

import { useState } from 'react';
import { deleteCollection, saveCollection, type Access, type Collection } from '@/lib/collections';
import { account } from '@/lib/identity';
import { useStore } from '@/lib/store';
import { useText } from '@/text';
import { failure } from '@/text/failures';
import { Dialog } from './Dialog';
import { Field } from './Field';

/** Whoever answers for what everybody is answered from; the server decides. */
const EDITORS = 'editors';

type Rights = Readonly<Record<string, Access | null>>;

interface Props {
  /** Null: a new one. */
  readonly collection: Collection | null;
  readonly onClose: () => void;
  readonly onDeleted: () => void;
}

/** A collection's name, and who reads it. */
export function CollectionDialog({ collection, onClose, onDeleted }: Props) {
  const text = useText();
  const who = useStore(account, undefined);
  const [name, setName] = useState(collection?.name ?? '');
  const [isPublic, setPublic] = useState(collection?.public ?? false);
  const [rights, setRights] = useState<Rights>(collection?.groups ?? {});
  const [problem, setProblem] = useState<unknown>(null);
  const [isSure, setSure] = useState(false);
  const mine = who?.groups ?? [];
  const groups = [...new Set([...Object.keys(collection?.groups ?? {}), ...mine])];

  const run = async (action: () => Promise<void>): Promise<void> => {
    setProblem(null);
    try {
      await action();
      onClose();
    } catch (error) {
      setProblem(error);
    }
  };
  const save = (): Promise<void> => {
    const given = Object.entries(rights).filter(([, access]) => collection || access !== null);
    const groupsWished = Object.fromEntries(given) as Rights;
    const isOpened = isPublic !== (collection?.public ?? false);
    return saveCollection(collection?.id ?? null, { name, groups: groupsWished, ...(isOpened ? { public: isPublic } : {}) });
  };
  const remove = async (): Promise<void> => {
    await deleteCollection(collection?.id ?? '');
    onDeleted();
  };

  return (
    <Dialog title={collection ? text.documents.change : text.documents.newCollection} onClose={onClose}>
      <form
        className="form"
        onSubmit={event => {
          event.preventDefault();
          void run(save);
        }}
      >
        <Field label={text.documents.collectionName} type="text" name="collection-name" autoComplete="off" value={name} onChange={setName} />
        {groups.length === 0 && !isPublic && <p className="hint">{text.documents.noGroups}</p>}
        {groups.map(group => (
          <div key={group} className="field">
            <label htmlFor={`rights-${group}`}>{text.documents.groupMay(group)}</label>
            <select
              id={`rights-${group}`}
              value={rights[group] ?? 'none'}
              onChange={({ target }) => setRights({ ...rights, [group]: target.value === 'none' ? null : (target.value as Access) })}
            >
              <option value="none">{text.documents.mayNothing}</option>
              <option value="read">{text.documents.mayRead}</option>
              <option value="write">{text.documents.mayWrite}</option>
            </select>
          </div>
        ))}
        {(mine.includes(EDITORS) || isPublic) && (
          <label className="check">
            <input type="checkbox" checked={isPublic} onChange={event => setPublic(event.target.checked)} />
            {text.documents.openToAll}
          </label>
        )}
        {problem !== null && (
          <p className="form-problem" role="alert">
            {failure(problem, text)}
          </p>
        )}
        <p className="buttons">
          <button type="submit" className="button button-main">
            {collection ? text.documents.save : text.documents.make}
          </button>
          {collection && (
            <button type="button" className="button button-danger" onClick={() => (isSure ? void run(remove) : setSure(true))}>
              {isSure ? text.documents.deleteSurely : text.documents.deleteCollection}
            </button>
          )}
        </p>
      </form>
    </Dialog>
  );
}
