import { request, type Page } from './api';
import { messageOf, type Message, type Stored } from './messages';
import { newId } from './ids';

/** A link to what a session was at a moment. */
export interface Share {
  readonly id: string;
  readonly session_id: string;
  readonly token: string;
  readonly title: string;
  readonly created_at: string;
}

/** What a link shows. */
export interface Shared {
  readonly title: string;
  readonly sharedAt: string;
  readonly messages: readonly Message[];
  readonly next: string | null;
}

/** The links to one session, or all that one has made; latest first. */
export async function listShares(sessionId: string | null): Promise<readonly Share[]> {
  const page = await request<Page<Share>>(`${sessionId ? `/v1/sessions/${sessionId}` : '/v1'}/shares?limit=100`);
  return page.items;
}

export function shareSession(sessionId: string): Promise<Share> {
  return request<Share>(`/v1/sessions/${sessionId}/shares`, { method: 'POST', headers: { 'idempotency-key': newId() } });
}

export async function revokeShare({ id, session_id: sessionId }: Share): Promise<void> {
  await request(`/v1/sessions/${sessionId}/shares/${id}`, { method: 'DELETE' });
}

/** Behind the `#`, so that it reaches no server's log. */
export function addressOf({ token }: Share): string {
  return `${location.origin}/shared#${token}`;
}

/** @throws Problem 404: there is no such link; 403: one must be signed in. */
export async function openShare(token: string): Promise<Shared> {
  const path = `/v1/shares/${encodeURIComponent(token)}`;
  const [{ title, shared_at: sharedAt }, first] = await Promise.all([
    request<{ title: string; shared_at: string }>(path),
    readShared(token, null),
  ]);
  return { title, sharedAt, ...first };
}

export async function readShared(token: string, cursor: string | null): Promise<Pick<Shared, 'messages' | 'next'>> {
  const query = new URLSearchParams({ limit: '100', ...(cursor ? { cursor } : {}) });
  const page = await request<Page<Stored>>(`/v1/shares/${encodeURIComponent(token)}/messages?${query}`);
  return { messages: page.items.map(messageOf), next: page.next_cursor };
}
