import { parseProblem, Problem, request, succeeded, type Page } from './api';
import { BACKEND } from './config';
import { eventsOf } from './events';
import { token } from './identity';
import { newId } from './ids';
import { Store } from './store';

export interface Document {
  readonly id: string;
  readonly version: number;
  /** The version that questions find, if any. */
  readonly searchable_version: number | null;
  /** The account has added it. */
  readonly mine: boolean;
  readonly status: 'queued' | 'uploaded' | 'parsing' | 'chunking' | 'embedding' | 'searchable' | 'failed';
  readonly progress: { readonly done: number; readonly total: number; readonly seconds_left: number | null };
  readonly title: string;
  readonly file_name: string;
  readonly collection: string;
  readonly media_type: string;
  readonly size_bytes: number;
  readonly created_at: string;
  readonly failure: { readonly code: string; readonly message: string } | null;
}

/** A file on its way to the server. */
export interface Upload {
  readonly key: string;
  readonly name: string;
  readonly share: number;
  readonly problem: Problem | null;
}

export interface DocumentList {
  readonly state: 'loading' | 'done' | 'failed';
  readonly items: readonly Document[];
  readonly next: string | null;
}

/** Which documents of those that may be read are listed. */
export interface Filter {
  readonly collection: string | null;
  readonly name: string;
}

const AT_ONCE = 3;
/** The stream tells of one's own documents; others add some too. */
const OTHERS_MS = 15_000;
const PAUSES_MS = [500, 1000, 2000, 5000, 10_000];

export const documents = new Store<DocumentList>({ state: 'loading', items: [], next: null });
export const uploads = new Store<readonly Upload[]>([]);

let filter: Filter = { collection: null, name: '' };
const waiting: { file: File; collection: string; key: string }[] = [];
const hidden = new Set<string>();
let running = 0;

export function isAtWork(document: Document): boolean {
  return document.status !== 'searchable' && document.status !== 'failed';
}

/** Reads the list, follows what becomes of one's own documents, and looks for those of others; ends when told. */
export function watchDocuments(): () => void {
  const ending = new AbortController();
  const look = (): void => {
    if (document.visibilityState === 'visible') void refreshDocuments();
  };
  look();
  const timer = setInterval(look, OTHERS_MS);
  document.addEventListener('visibilitychange', look);
  void follow(ending.signal);
  return () => {
    ending.abort();
    clearInterval(timer);
    document.removeEventListener('visibilitychange', look);
  };
}

/** Lists others from now on. */
export async function showDocuments(wanted: Filter): Promise<void> {
  filter = wanted;
  documents.update(list => ({ ...list, items: [], next: null, state: 'loading' }));
  await refreshDocuments();
}

async function follow(signal: AbortSignal): Promise<void> {
  let last = '';
  for (let failures = 0; !signal.aborted; failures += 1) {
    try {
      const headers: HeadersInit = last ? { 'last-event-id': last } : {};
      const { body } = await succeeded('/v1/documents/events', { headers, signal });
      if (!body) return;
      for await (const { id, name, data } of eventsOf(body)) {
        failures = 0;
        last = id || last;
        heard(name, JSON.parse(data) as Document);
      }
    } catch {
      // Away, or too many streams: the list is read again meanwhile, and so is this.
    }
    await pause(PAUSES_MS[Math.min(failures, PAUSES_MS.length - 1)]!);
  }
}

function heard(name: string, changed: Document): void {
  if (name === 'deleted') {
    documents.update(list => ({ ...list, items: list.items.filter(({ id }) => id !== changed.id) }));
  } else if (name === 'document') {
    documents.update(list => ({ ...list, items: visible(withDocument(list.items, changed)) }));
  }
}

/** In the place of what was known of it; a new one at the front, where the newest are. */
function withDocument(items: readonly Document[], changed: Document): readonly Document[] {
  if (items.some(({ id }) => id === changed.id)) return items.map(one => (one.id === changed.id ? changed : one));
  const isWanted =
    (filter.collection === null || filter.collection === changed.collection) &&
    changed.file_name.toLowerCase().includes(filter.name.toLowerCase());
  return isWanted && changed.id > (items[0]?.id ?? '') ? [changed, ...items] : items;
}

function pause(milliseconds: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, milliseconds));
}

function listed(cursor: string | null): Promise<Page<Document>> {
  const query = new URLSearchParams({ limit: '50', ...(cursor ? { cursor } : {}) });
  if (filter.collection) query.set('collection', filter.collection);
  if (filter.name) query.set('name', filter.name);
  return request<Page<Document>>(`/v1/documents?${query}`);
}

export async function refreshDocuments(): Promise<void> {
  const asked = filter;
  try {
    const page = await listed(null);
    if (filter !== asked) return;
    documents.update(list => {
      const fresh = new Set(page.items.map(document => document.id));
      const last = page.items.at(-1)?.id ?? '';
      // Ids are in the order of time: what is older than the page was loaded behind it.
      const older = list.items.filter(document => !fresh.has(document.id) && document.id < last);
      const items = visible([...page.items, ...older]);
      return { state: 'done', items, next: older.length > 0 ? list.next : page.next_cursor };
    });
  } catch {
    documents.update(list => (list.state === 'done' ? list : { ...list, state: 'failed' }));
  }
}

export async function loadMoreDocuments(): Promise<void> {
  const { next } = documents.value;
  if (next === null) return;
  const page = await listed(next);
  documents.update(list => ({ ...list, items: visible([...list.items, ...page.items]), next: page.next_cursor }));
}

/** The files are sent, a few at a time. */
export function uploadFiles(files: Iterable<File>, collection: string): void {
  for (const file of files) {
    const key = newId();
    waiting.push({ file, collection, key });
    uploads.update(list => [...list, { key, name: file.name, share: 0, problem: null }]);
  }
  for (; running < AT_ONCE && waiting.length > 0; running += 1) void work();
}

export function dismissUpload(key: string): void {
  uploads.update(list => list.filter(upload => upload.key !== key));
}

export function hideDocument(id: string): { undo: () => void; carryOut: () => Promise<void> } {
  hidden.add(id);
  const before = documents.value.items;
  documents.update(list => ({ ...list, items: visible(list.items) }));
  return {
    undo: () => {
      hidden.delete(id);
      documents.update(list => ({ ...list, items: before }));
      void refreshDocuments();
    },
    carryOut: () => request(`/v1/documents/${id}`, { method: 'DELETE', keepalive: true }),
  };
}

/** A version that has failed is tried again, or one that is on its way is given up. */
export async function steerDocument(id: string, what: 'retry' | 'cancel'): Promise<void> {
  const changed = await request<Document>(`/v1/documents/${id}/${what}`, { method: 'POST' });
  documents.update(list => ({ ...list, items: withDocument(list.items, changed) }));
}

async function work(): Promise<void> {
  for (let next = waiting.shift(); next; next = waiting.shift()) {
    const { file, collection, key } = next;
    try {
      const document = await send(file, collection, key);
      dismissUpload(key);
      documents.update(list => ({ ...list, items: withDocument(list.items, document) }));
    } catch (error) {
      change(key, { problem: error instanceof Problem ? error : new Problem(0, 'unreachable', '') });
    }
  }
  running -= 1;
  void refreshDocuments();
}

async function send(file: File, collection: string, key: string): Promise<Document> {
  const bearer = await token();
  const form = new FormData();
  // Before the file, so that a refusal comes before its bytes have gone.
  form.append('collection', collection);
  form.append('file', file);
  return new Promise((resolve, reject) => {
    // fetch tells nothing about what has been sent.
    const call = new XMLHttpRequest();
    call.open('POST', `${BACKEND}/v1/documents`);
    call.setRequestHeader('authorization', `Bearer ${bearer}`);
    call.setRequestHeader('idempotency-key', key);
    call.upload.onprogress = ({ loaded, total }) => change(key, { share: total ? loaded / total : 0 });
    call.onerror = () => reject(new Problem(0, 'unreachable', ''));
    call.onload = () => {
      if (call.status === 202) resolve(JSON.parse(call.responseText) as Document);
      else reject(parseProblem(call.status, call.responseText, call.getResponseHeader('retry-after')));
    };
    call.send(form);
  });
}

function change(key: string, fields: Partial<Upload>): void {
  uploads.update(list => list.map(upload => (upload.key === key ? { ...upload, ...fields } : upload)));
}

function visible(items: readonly Document[]): readonly Document[] {
  return items.filter(document => !hidden.has(document.id));
}
