import { request, type Page } from './api';
import { account, claimed } from './identity';
import { SessionChat } from './session-chat';
import { Store } from './store';

/** A session of the account's, as the sidebar lists it. */
export interface Session {
  readonly id: string;
  readonly title: string;
  readonly updated_at: string;
}

export interface SessionList {
  readonly state: 'loading' | 'done' | 'failed';
  readonly items: readonly Session[];
  readonly next: string | null;
}

const EMPTY: SessionList = { state: 'loading', items: [], next: null };
const TITLE_CHARACTERS = 200;

export const sessions = new Store<SessionList>(EMPTY);

const opened = new Map<string, SessionChat>();
/** By session, the email of the account it was opened for; null for a guest. */
const owners = new Map<string, string | null>();
let whose: string | null = null;
/** Deleted here, and maybe not yet there. */
const hidden = new Set<string>();
let channel: BroadcastChannel | undefined;

/** The session's chat; the same one for as long as the page lives, so that an answer goes on out of sight. */
export function openSession(id: string, { isNew }: { isNew: boolean }): SessionChat {
  let session = opened.get(id);
  if (!session) {
    session = new SessionChat(id, heard, { isNew });
    opened.set(id, session);
    owners.set(id, account.value?.email ?? null);
  }
  return session;
}

/** It was opened for another account: somebody has just signed in or out, and the address has not changed yet. */
export function isAnothers(id: string): boolean {
  return owners.has(id) && owners.get(id) !== (account.value?.email ?? null);
}

/** Follows the account, other tabs, and the return of somebody who was away. */
export function watchSessions(): () => void {
  whose = account.value?.email ?? null;
  const unwatch = [account.subscribe(accountChanged), claimed.subscribe(() => void refreshSessions())];
  channel = new BroadcastChannel('eloquent.sessions');
  channel.onmessage = ({ data }: MessageEvent<string>) => {
    void refreshSessions();
    void opened.get(data)?.load();
  };
  const back = (): void => {
    if (document.visibilityState === 'visible') void refreshSessions();
  };
  const online = (): void => void refreshSessions();
  document.addEventListener('visibilitychange', back);
  window.addEventListener('online', online);
  void refreshSessions();
  return () => {
    for (const end of unwatch) end();
    window.removeEventListener('online', online);
    channel?.close();
    channel = undefined;
    document.removeEventListener('visibilitychange', back);
  };
}

/** The first page anew; what was loaded behind it stays. */
export async function refreshSessions(): Promise<void> {
  const asker = account.value;
  try {
    const page = await request<Page<Session>>('/v1/sessions?limit=30');
    if (account.value?.email !== asker?.email) return;
    sessions.update(list => {
      const fresh = new Set(page.items.map(session => session.id));
      const older = list.items.filter(session => !fresh.has(session.id) && isOlder(session, page.items.at(-1)));
      const items = visible([...page.items, ...older]);
      return { state: 'done', items, next: older.length > 0 ? list.next : page.next_cursor };
    });
  } catch {
    sessions.update(list => (list.state === 'done' ? list : { ...list, state: 'failed' }));
  }
}

export async function loadMoreSessions(): Promise<void> {
  const { next } = sessions.value;
  if (next === null) return;
  sessions.update(list => ({ ...list, next: null }));
  try {
    const page = await request<Page<Session>>(`/v1/sessions?limit=30&cursor=${encodeURIComponent(next)}`);
    sessions.update(list => ({ ...list, items: visible([...list.items, ...page.items]), next: page.next_cursor }));
  } catch {
    sessions.update(list => ({ ...list, next }));
  }
}

export async function renameSession(id: string, title: string): Promise<void> {
  const before = sessions.value.items.find(session => session.id === id);
  if (!before || !title || title === before.title) return;
  put({ ...before, title });
  try {
    put(await request<Session>(`/v1/sessions/${id}`, patch({ title: title.slice(0, TITLE_CHARACTERS) })));
  } catch (error) {
    put(before);
    throw error;
  }
}

/** Deletes it; for a while it can be restored.
 *
 * @throws Problem when it could not be deleted; then it is in the list again.
 */
export async function deleteSession(id: string): Promise<void> {
  hidden.add(id);
  const before = sessions.value.items;
  sessions.update(list => ({ ...list, items: visible(list.items) }));
  try {
    // It goes on while the page is being closed.
    await request(`/v1/sessions/${id}`, { method: 'DELETE', keepalive: true });
    opened.delete(id);
  } catch (error) {
    hidden.delete(id);
    sessions.update(list => ({ ...list, items: before }));
    throw error;
  } finally {
    channel?.postMessage(id);
  }
}

/** Takes a deletion back.
 *
 * @throws Problem 404 when it is too late.
 */
export async function restoreSession(id: string): Promise<void> {
  await request(`/v1/sessions/${id}/restore`, { method: 'POST' });
  hidden.delete(id);
  await refreshSessions();
  channel?.postMessage(id);
}

/** What was deleted and can still be restored. */
export async function listDeleted(): Promise<readonly Session[]> {
  return (await request<Page<Session>>('/v1/sessions?deleted=true&limit=50')).items;
}

function heard(happening: 'asked' | 'stored' | 'ended', session: SessionChat): void {
  if (happening === 'asked') {
    moveToFront(session);
    return;
  }
  void refreshSessions();
  channel?.postMessage(session.id);
}

function moveToFront(session: SessionChat): void {
  const question = session.chat.messages.at(-1)?.parts.find(part => part.type === 'text');
  const title = (question?.type === 'text' ? question.text : '').split('\n', 1)[0]!.slice(0, TITLE_CHARACTERS);
  sessions.update(list => {
    const known = list.items.find(({ id }) => id === session.id) ?? { id: session.id, title };
    const now = { ...known, updated_at: new Date().toISOString() };
    return { ...list, items: [now, ...list.items.filter(({ id }) => id !== session.id)] };
  });
}

function accountChanged(): void {
  const before = whose;
  whose = account.value?.email ?? null;
  if (whose === before) return;
  if (before === null) {
    // Who signs in takes along what the guest has asked, and what is being answered goes on.
    for (const [id, owner] of owners) if (owner === null) owners.set(id, whose);
    void refreshSessions();
    return;
  }
  opened.clear();
  hidden.clear();
  sessions.set(EMPTY);
  void refreshSessions();
}

function visible(items: readonly Session[]): readonly Session[] {
  return items.filter(session => !hidden.has(session.id));
}

function isOlder(session: Session, last: Session | undefined): boolean {
  return last !== undefined && session.updated_at < last.updated_at;
}

function put(session: Session): void {
  sessions.update(list => ({ ...list, items: list.items.map(item => (item.id === session.id ? session : item)) }));
}

function patch(body: unknown): RequestInit {
  return { method: 'PATCH', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
}
