import { parseProblem, Problem, request, type Page } from './api';
import { BACKEND } from './config';
import { token } from './identity';
import { newId } from './ids';
import { Store } from './store';

export interface Document {
  readonly id: string;
  readonly version: number;
  readonly status: 'queued' | 'uploaded' | 'parsing' | 'chunking' | 'embedding' | 'searchable' | 'failed';
  readonly progress: { readonly done: number; readonly total: number };
  readonly title: string;
  readonly file_name: string;
  readonly collection: string;
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

export const PUBLIC = 'public';
const AT_ONCE = 3;
const POLL_MS = 800;
/** Others may add documents too. */
const IDLE_TICKS = 12;

export const documents = new Store<DocumentList>({ state: 'loading', items: [], next: null });
export const uploads = new Store<readonly Upload[]>([]);

const waiting: { file: File; collection: string | null; key: string }[] = [];
const hidden = new Set<string>();
let running = 0;

export function isAtWork(document: Document): boolean {
  return document.status !== 'searchable' && document.status !== 'failed';
}

/** Reads the list, and again while something in it is at work; ends when told. */
export function watchDocuments(): () => void {
  let ticks = 0;
  let isAsking = false;
  const look = async (): Promise<void> => {
    const isDue = ticks % IDLE_TICKS === 0 || documents.value.items.some(isAtWork);
    ticks += 1;
    if (!isDue || isAsking) return;
    isAsking = true;
    await refreshDocuments();
    isAsking = false;
  };
  void look();
  const timer = setInterval(() => void look(), POLL_MS);
  return () => clearInterval(timer);
}

export async function refreshDocuments(): Promise<void> {
  try {
    const page = await request<Page<Document>>('/v1/documents?limit=50');
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
  const page = await request<Page<Document>>(`/v1/documents?limit=50&cursor=${encodeURIComponent(next)}`);
  documents.update(list => ({ ...list, items: visible([...list.items, ...page.items]), next: page.next_cursor }));
}

/** The files are sent, a few at a time; null is the account's own collection. */
export function uploadFiles(files: Iterable<File>, collection: string | null): void {
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

async function work(): Promise<void> {
  for (let next = waiting.shift(); next; next = waiting.shift()) {
    const { file, collection, key } = next;
    try {
      const document = await send(file, collection, key);
      dismissUpload(key);
      documents.update(list => ({ ...list, items: [document, ...list.items.filter(({ id }) => id !== document.id)] }));
    } catch (error) {
      change(key, { problem: error instanceof Problem ? error : new Problem(0, 'unreachable', '') });
    }
  }
  running -= 1;
  void refreshDocuments();
}

async function send(file: File, collection: string | null, key: string): Promise<Document> {
  const bearer = await token();
  const form = new FormData();
  // Before the file, so that a refusal comes before its bytes have gone.
  if (collection) form.append('collection', collection);
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
