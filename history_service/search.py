"""Search over one's own messages, with PostgreSQL's full text search."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from history_service.cursors import HitCursor
from libs.db.errors import translated

_START, _STOP = "\ue000", "\ue001"
"""Around the words that were found, until they become positions: of no use in a text, and taken out of it before."""

# Only what is shown is looked up and cut: snippets cost far more than finding.
_SEARCH = f"""
    WITH query AS (
        SELECT websearch_to_tsquery('pg_catalog.simple', $2) || websearch_to_tsquery('pg_catalog.english', $2) AS words
    ), hits AS (
        SELECT message_id, session_id, chat_sessions.title, role, content, chat_messages.created_at
        FROM chat_sessions JOIN chat_messages USING (session_id), query
        WHERE chat_sessions.user_id = $1 AND chat_sessions.deleted_at IS NULL AND lexemes @@ words
          AND ($3::timestamptz IS NULL OR (chat_messages.created_at, message_id) < ($3::timestamptz, $4::uuid))
        ORDER BY chat_messages.created_at DESC, message_id DESC
        LIMIT $5
    )
    SELECT message_id, session_id, title, role, created_at,
           ts_headline(
               'pg_catalog.english', left(translate(content, '{_START}{_STOP}', ''), 200000), words,
               'StartSel="{_START}", StopSel="{_STOP}", MaxFragments=2, MaxWords=24, MinWords=8, ShortWord=0,'
               ' FragmentDelimiter=" … "'
           ) AS headline
    FROM hits, query
    ORDER BY created_at DESC, message_id DESC
"""  # noqa: S608 - nothing but constants


@dataclass(frozen=True, slots=True)
class Snippet:
    """A piece of a message, and the spans of it that were found: first character and one past the last."""

    text: str
    marks: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Hit:
    """A message that was found."""

    message_id: UUID
    session_id: UUID
    title: str
    role: str
    created_at: datetime
    snippet: Snippet

    @property
    def cursor(self) -> HitCursor:
        """Its place in the list."""
        return HitCursor(self.created_at, self.message_id)


class PostgresSearch:
    """Searches.

    Args:
        reader: connections to a replica or the writer; what is found may be a moment old.
    """

    def __init__(self, reader: asyncpg.Pool) -> None:
        self._reader = reader

    async def search(self, user_id: UUID, query: str, *, after: HitCursor | None, limit: int) -> list[Hit]:
        """The user's messages that match, latest first.

        Args:
            user_id: whose sessions.
            query: storable; words, "phrases", `or` and `-not`, as people type them into a search box.
            after: where the page before ended.
            limit: at most so many.
        """
        place = (after.created_at, after.message_id) if after else (None, None)
        with translated():
            rows = await self._reader.fetch(_SEARCH, user_id, query, *place, limit)
        return [_hit(row) for row in rows]


def _hit(row: Any) -> Hit:
    return Hit(
        message_id=row["message_id"],
        session_id=row["session_id"],
        title=row["title"],
        role=row["role"],
        created_at=row["created_at"],
        snippet=snippet_of(row["headline"]),
    )


def snippet_of(headline: str) -> Snippet:
    """The text without the marks around what was found, and where that stands in it."""
    text, marks = "", []
    for number, piece in enumerate(headline.split(_START)):
        found, _, rest = piece.rpartition(_STOP) if number else ("", "", piece)
        if found:
            marks.append((len(text), len(text) + len(found)))
        text += found + rest
    return Snippet(text, tuple(marks))
