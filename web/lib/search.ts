import { request, type Page } from './api';
import type { Piece } from './marking';

/** A message of one's own that has the words. */
export interface Hit {
  readonly session_id: string;
  readonly session_title: string;
  readonly message_id: string;
  readonly role: 'user' | 'assistant';
  readonly created_at: string;
  readonly snippet: { readonly text: string; readonly marks: readonly { readonly start: number; readonly end: number }[] };
}

export function findMessages(words: string, cursor: string | null, signal: AbortSignal): Promise<Page<Hit>> {
  const query = new URLSearchParams({ q: words, limit: '20', ...(cursor ? { cursor } : {}) });
  return request<Page<Hit>>(`/v1/sessions/search?${query}`, { signal });
}

/** The snippet with what was found marked; the server counts characters, not JavaScript's halves of them. */
export function piecesOf({ text, marks }: Hit['snippet']): readonly Piece[] {
  const characters = Array.from(text);
  const slice = (start: number, end: number): string => characters.slice(start, end).join('');
  let at = 0;
  const pieces: Piece[] = [];
  for (const { start, end } of marks) {
    pieces.push({ text: slice(at, start), isMarked: false }, { text: slice(start, end), isMarked: true });
    at = end;
  }
  return [...pieces, { text: slice(at, characters.length), isMarked: false }].filter(piece => piece.text);
}
