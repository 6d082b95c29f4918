import type { UIMessage } from 'ai';
import { request, type Page } from './api';
import { besideOf, type Beside } from './branches';
import { pause } from './pause';

/** What an `[n]` of an answer quotes. */
export interface Citation extends Place {
  readonly number: number;
  readonly chunkId: string;
  readonly documentId: string;
  readonly version: number;
  readonly title: string;
  readonly mediaType: string;
  readonly quote: string;
  /** Where in the document's text the quote begins, and each further page that it reaches; in characters. */
  readonly start?: number;
  readonly pageStarts?: readonly number[];
  /** `withheld`: the document is gone, or not for who reads this; title, place and quote are empty then. */
  readonly availability: Availability;
}

export type Availability = 'available' | 'replaced' | 'withheld';

/** Where in its document a passage stands; formats have different ones of these. */
export interface Place {
  readonly page: number | null;
  readonly lastPage?: number | null;
  readonly heading: readonly string[];
  readonly slide?: number | null;
  readonly sheet?: string | null;
  readonly rows?: readonly [number, number] | null;
}

export type Stage = 'queued' | 'searching' | 'reading' | 'writing';

export interface Metadata {
  readonly status?: 'completed' | 'cancelled' | 'failed';
  readonly failure?: string | null;
  readonly model?: string | null;
  readonly timings?: Timings | null;
  readonly createdAt?: string;
  readonly feedback?: Feedback | null;
  /** What else there is at the message's place; null: nothing. */
  readonly siblings?: Siblings | null;
  /** Of a question: the id of the one in whose stead it was asked here. */
  readonly replaces?: string;
}

/** A message among those that could stand in its stead. */
export interface Siblings {
  readonly ids: readonly string[];
  /** Its own place in `ids`. */
  readonly index: number;
}

/** What the session's owner thinks of an answer. */
export interface Feedback {
  readonly rating: 'up' | 'down';
  readonly reason: string | null;
}

interface Timings {
  readonly retrieval_seconds: number | null;
  readonly first_token_seconds: number | null;
  readonly generation_seconds: number | null;
}

export type Message = UIMessage<Metadata, { status: { stage: Stage }; citation: Citation }>;

/** A passage the model was given; known before the first word. */
export interface Source extends Place {
  readonly chunkId: string;
  readonly title: string;
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
    const place = part.providerMetadata?.eloquent as Partial<Place> | undefined;
    return [{ page: null, heading: [], ...place, chunkId: part.sourceId, title: part.title }];
  });
}

/** A citation as the API stores it. */
export interface StoredCitation {
  readonly number: number;
  readonly chunk_id: string;
  readonly document_id: string;
  readonly version: number;
  readonly title: string;
  readonly media_type: string;
  readonly place: Place & { readonly start: number; readonly page_starts: readonly number[] };
  readonly quote: string;
  readonly availability: Availability;
}

/** A message as the API stores it; what is shared has not all of it. */
export interface Stored {
  readonly id: string;
  readonly role: 'user' | 'assistant';
  readonly content: string;
  readonly created_at: string;
  readonly status: 'queued' | 'opened' | 'completed' | 'cancelled' | 'failed' | null;
  readonly failure?: string | null;
  readonly citations: readonly StoredCitation[];
  readonly model?: string | null;
  readonly timings?: Timings | null;
  readonly feedback?: Feedback | null;
  readonly siblings?: Siblings | null;
}

/** Messages of a session, oldest first; an answer that has not ended is left out, as its stream brings it. */
export interface Past {
  readonly messages: readonly Message[];
  readonly isWaiting: boolean;
  readonly earlier: string | null;
  readonly beside: Beside;
}

const PAGE = 40;
/** Who reads backwards goes on doing so. */
const EARLIER_PAGE = 100;

/** The latest messages, or those before a cursor.
 *
 * @throws Problem 404: the caller has no such session.
 */
export async function readMessages(sessionId: string, cursor: string | null = null): Promise<Past> {
  const query = new URLSearchParams({ order: 'newest', limit: String(cursor ? EARLIER_PAGE : PAGE), ...(cursor ? { cursor } : {}) });
  const page = await request<Page<Stored>>(`/v1/sessions/${sessionId}/messages?${query}`);
  const stored = [...page.items].reverse();
  const isUnfinished = (message: Stored): boolean => message.status === 'queued' || message.status === 'opened';
  return {
    messages: stored.filter(message => !isUnfinished(message)).map(messageOf),
    isWaiting: stored.some(isUnfinished),
    earlier: page.next_cursor,
    beside: besideOf(stored),
  };
}

const FRESH_TRIES = 5;
const FRESH_PAUSE_MS = 200;

/** The latest messages with this one among them; lists may be a moment behind what has just been stored. */
export async function readFresh(sessionId: string, messageId: string): Promise<Past> {
  let past = await readMessages(sessionId);
  for (let tries = 1; tries < FRESH_TRIES && !past.beside.has(messageId); tries += 1) {
    await pause(FRESH_PAUSE_MS);
    past = await readMessages(sessionId);
  }
  return past;
}

/** A stored place as a live one has it. */
function placeOf({ place: { page_starts: pageStarts, ...place } }: StoredCitation): Place & Pick<Citation, 'start' | 'pageStarts'> {
  return { ...place, pageStarts, lastPage: place.page === null ? null : place.page + pageStarts.length };
}

/** A stored message as a live one. */
export function messageOf(stored: Stored): Message {
  const { status, failure = null, model = null, timings = null, feedback = null, siblings = null, created_at: createdAt } = stored;
  const ended = status === 'completed' || status === 'cancelled' || status === 'failed' ? { status } : {};
  return {
    id: stored.id,
    role: stored.role,
    metadata: { ...ended, failure, model, timings, feedback, siblings, createdAt },
    parts: [
      { type: 'text', text: stored.content },
      ...stored.citations.map(citation => ({
        type: 'data-citation' as const,
        id: `citation-${citation.number}`,
        data: {
          number: citation.number,
          chunkId: citation.chunk_id,
          documentId: citation.document_id,
          version: citation.version,
          title: citation.title,
          mediaType: citation.media_type,
          ...placeOf(citation),
          quote: citation.quote,
          availability: citation.availability,
        },
      })),
    ],
  };
}
