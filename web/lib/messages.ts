import type { UIMessage } from 'ai';
import { request, type Page } from './api';

/** What an `[n]` of an answer quotes. */
export interface Citation {
  readonly number: number;
  readonly chunkId: string;
  readonly documentId: string;
  readonly title: string;
  readonly mediaType: string;
  readonly page: number | null;
  readonly heading: readonly string[];
  readonly quote: string;
}

export type Stage = 'queued' | 'searching' | 'reading' | 'writing';

export interface Metadata {
  readonly status?: 'completed' | 'cancelled' | 'failed';
  readonly failure?: string | null;
  readonly model?: string | null;
  readonly timings?: Timings | null;
  readonly createdAt?: string;
}

interface Timings {
  readonly retrieval_seconds: number | null;
  readonly first_token_seconds: number | null;
  readonly generation_seconds: number | null;
}

export type Message = UIMessage<Metadata, { status: { stage: Stage }; citation: Citation }>;

/** A passage the model was given; known before the first word. */
export interface Source {
  readonly chunkId: string;
  readonly title: string;
  readonly page: number | null;
  readonly heading: readonly string[];
}

export function textOf(message: Message): string {
  return message.parts.map(part => (part.type === 'text' ? part.text : '')).join('');
}

export function citationsOf(message: Message): ReadonlyMap<number, Citation> {
  const found = message.parts.flatMap(part => (part.type === 'data-citation' ? [part.data] : []));
  return new Map(found.map(citation => [citation.number, citation]));
}

export function sourcesOf(message: Message): readonly Source[] {
  return message.parts.flatMap(part => {
    if (part.type !== 'source-document') return [];
    const place = part.providerMetadata?.eloquent as { page?: number | null; heading?: string[] } | undefined;
    const { page = null, heading = [] } = place ?? {};
    return [{ chunkId: part.sourceId, title: part.title, page, heading }];
  });
}

interface StoredCitation {
  readonly number: number;
  readonly chunk_id: string;
  readonly document_id: string;
  readonly title: string;
  readonly media_type: string;
  readonly place: { readonly page: number | null; readonly heading: readonly string[] };
  readonly quote: string;
}

interface Stored {
  readonly id: string;
  readonly role: 'user' | 'assistant';
  readonly content: string;
  readonly created_at: string;
  readonly status: 'queued' | 'opened' | 'completed' | 'cancelled' | 'failed' | null;
  readonly failure: string | null;
  readonly citations: readonly StoredCitation[];
  readonly model: string | null;
  readonly timings: Timings | null;
}

/** Messages of a session, oldest first; an answer that has not ended is left out, as its stream brings it. */
export interface Past {
  readonly messages: readonly Message[];
  readonly isWaiting: boolean;
  readonly earlier: string | null;
}

const PAGE = 40;

/** The latest messages, or those before a cursor.
 *
 * @throws Problem 404: the caller has no such session.
 */
export async function readMessages(sessionId: string, cursor: string | null = null): Promise<Past> {
  const query = new URLSearchParams({ order: 'newest', limit: String(PAGE), ...(cursor ? { cursor } : {}) });
  const page = await request<Page<Stored>>(`/v1/sessions/${sessionId}/messages?${query}`);
  const stored = [...page.items].reverse();
  const isUnfinished = (message: Stored): boolean => message.status === 'queued' || message.status === 'opened';
  return {
    messages: stored.filter(message => !isUnfinished(message)).map(messageOf),
    isWaiting: stored.some(isUnfinished),
    earlier: page.next_cursor,
  };
}

function messageOf(stored: Stored): Message {
  const { status, failure, model, timings, created_at: createdAt } = stored;
  const ended = status === 'completed' || status === 'cancelled' || status === 'failed' ? { status } : {};
  return {
    id: stored.id,
    role: stored.role,
    metadata: { ...ended, failure, model, timings, createdAt },
    parts: [
      { type: 'text', text: stored.content },
      ...stored.citations.map(citation => ({
        type: 'data-citation' as const,
        id: `citation-${citation.number}`,
        data: {
          number: citation.number,
          chunkId: citation.chunk_id,
          documentId: citation.document_id,
          title: citation.title,
          mediaType: citation.media_type,
          page: citation.place.page,
          heading: citation.place.heading,
          quote: citation.quote,
        },
      })),
    ],
  };
}
