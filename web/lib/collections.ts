import { request, type Page } from './api';
import { newId } from './ids';
import { Store } from './store';

export type Access = 'read' | 'write';

/** Documents with one rule of who reads them. */
export interface Collection {
  readonly id: string;
  readonly kind: 'public' | 'own' | 'shared';
  readonly name: string;
  readonly public: boolean;
  readonly mine: boolean;
  /** Null for who may not change it. */
  readonly groups: Readonly<Record<string, Access>> | null;
  readonly may: { readonly upload: boolean; readonly manage: boolean };
}

/** What is to be true of a collection; a group with null may nothing any more. */
export interface Wish {
  readonly name: string;
  readonly public?: boolean;
  readonly groups: Readonly<Record<string, Access | null>>;
}

/** The collections that the account may read. */
export const collections = new Store<readonly Collection[]>([]);

export async function refreshCollections(): Promise<void> {
  const found: Collection[] = [];
  let cursor: string | null = null;
  do {
    const query: string = new URLSearchParams({ limit: '100', ...(cursor ? { cursor } : {}) }).toString();
    const page: Page<Collection> = await request<Page<Collection>>(`/v1/collections?${query}`);
    found.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor !== null);
  collections.set(found);
}

/** Makes a collection, or changes the one that is given.
 *
 * @throws Problem when that may not be.
 */
export async function saveCollection(id: string | null, wish: Wish): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify(wish);
  if (id) await request(`/v1/collections/${id}`, { method: 'PATCH', headers, body });
  else await request('/v1/collections', { method: 'POST', headers: { ...headers, 'idempotency-key': newId() }, body });
  await refreshCollections();
}

/** With all its documents, for good. */
export async function deleteCollection(id: string): Promise<void> {
  await request(`/v1/collections/${id}`, { method: 'DELETE' });
  await refreshCollections();
}
