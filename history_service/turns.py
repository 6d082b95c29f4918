"""Turns in PostgreSQL: opened and ended in the order of their sessions.

Every transaction locks its session's row before it looks at the session's messages, so the order of a session is
decided one event at a time; where a user's row is locked too, it is locked first. Times of turns are taken after the
lock (`now()` is when a transaction began to wait for it), so they keep that order.
"""

from uuid import UUID

import asyncpg

from history_service.first_turn import may_be_first, open_first
from history_service.key_usage import bill_key, note_key
from history_service.past import PastLimits
from history_service.past_messages import past_messages
from history_service.placing import Placed, newly_placed, placed, show_latest
from history_service.ports import AskedBefore, OpenedTurn, RecordedAnswer, StoredTurn, TooManySiblings
from history_service.turn_rows import TURN, ended_frame, turn_of
from libs.contracts.events import AnswerWritten
from libs.contracts.values import PastMessage, Turn
from libs.db.errors import translated
from libs.telemetry.tracing import current_traceparent

Connection = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy

# The user's row is written at most once a minute: one of every question would be rewritten for nothing. It is read from
# so that it is locked first. No row comes back when the session is somebody else's or was deleted. A row that was
# inserted has no `xmax`.
_LOCK_OR_CREATE_SESSION = """
    WITH seen AS (
        INSERT INTO users (user_id, is_guest) VALUES ($2, $4)
        ON CONFLICT (user_id) DO UPDATE SET last_seen_at = now(), is_guest = excluded.is_guest
        WHERE users.last_seen_at < now() - interval '1 minute' OR users.is_guest <> excluded.is_guest
        RETURNING user_id
    )
    INSERT INTO chat_sessions (session_id, user_id, title) SELECT $1, $2, $3 FROM (SELECT count(*) FROM seen) AS first
    ON CONFLICT (session_id) DO UPDATE SET updated_at = now()
    WHERE chat_sessions.user_id = excluded.user_id AND chat_sessions.deleted_at IS NULL
    RETURNING active_position, xmax = 0 AS is_new
"""

# Waits for a claim of this guest that is under way, and makes the next one wait for this turn.
_GUEST = "SELECT claimed_by, claimed_at FROM users WHERE user_id = $1 FOR KEY SHARE"
_NEW_GUEST = """
    INSERT INTO users (user_id, is_guest) VALUES ($1, true) ON CONFLICT (user_id) DO UPDATE SET is_guest = true
    RETURNING claimed_by, claimed_at
"""
_KNOWN = "SELECT EXISTS (SELECT FROM chat_messages WHERE message_id = $1 AND session_id = $2)"

_ADD_TURN = """
    WITH place AS (
        SELECT coalesce((SELECT max(position) FROM chat_messages WHERE session_id = $1), 0) AS last,
               EXISTS (
                   SELECT FROM chat_messages WHERE session_id = $1 AND status IN ('queued', 'opened')
               ) AS waits
    )
    INSERT INTO chat_messages (
        message_id, session_id, position, after, role, content, created_at, client_message_id,
        status, groups, asked_by, opened_by, opened_at, traceparent
    )
    SELECT $2::uuid, $1::uuid, last + 1, $9::integer, 'user', $4::text, $5::timestamptz, $8::text,
           NULL, NULL, NULL, NULL, NULL, NULL
    FROM place
    UNION ALL
    SELECT $3::uuid, $1::uuid, last + 2, NULL, 'assistant', '', now(), NULL,
           CASE WHEN waits THEN 'queued' ELSE 'opened' END, $6::text[], $7::uuid,
           CASE WHEN waits THEN NULL ELSE $7::uuid END,
           CASE WHEN waits THEN NULL ELSE clock_timestamp() END, $10::text
    FROM place
    ON CONFLICT (message_id) DO NOTHING
    RETURNING role, position, status, asked_by, opened_by
"""

_ANSWER = """
    SELECT position, status, asked_by, opened_by, digest, failure, model, usage, timings
    FROM chat_messages WHERE message_id = $1 AND session_id = $2
"""

LOCK_SESSION = """
    UPDATE chat_sessions SET updated_at = now() WHERE session_id = $1 AND deleted_at IS NULL RETURNING session_id
"""

_END = """
    UPDATE chat_messages
    SET status = $3, content = $4, failure = $5, citations = $6, model = $7, usage = $8, timings = $9, digest = $10,
        completed_at = clock_timestamp()
    WHERE message_id = $1 AND session_id = $2 AND status IN ('queued', 'opened')
    RETURNING status, digest, failure, model, usage, timings
"""

_EARLIEST_UNFINISHED = """
    SELECT message_id, status, opened_by FROM chat_messages
    WHERE session_id = $1 AND status IN ('queued', 'opened')
    ORDER BY position
    LIMIT 1
"""

_OPEN = """
    UPDATE chat_messages SET status = 'opened', opened_by = $2, opened_at = clock_timestamp()
    WHERE message_id = $1 AND status = 'queued'
"""

_TURN = f"{TURN} WHERE answer.message_id = $1"


class PostgresTurns:
    """Fits `TurnStore`."""

    def __init__(self, pool: asyncpg.Pool, *, past: PastLimits) -> None:
        self._pool = pool
        self._past = past

    async def open(
        self, turn: Turn, *, event_id: UUID, title: str
    ) -> StoredTurn | AskedBefore | TooManySiblings | None:
        try:
            with translated():
                if may_be_first(turn) and await open_first(self._pool, turn, event_id=event_id, title=title):
                    return StoredTurn("opened", asked_by=event_id, opened_by=event_id)
                async with self._pool.acquire() as connection, connection.transaction():
                    return await self._open(connection, turn, event_id=event_id, title=title)
        except _NotTheirsError:
            return None

    async def _open(
        self, connection: Connection, turn: Turn, *, event_id: UUID, title: str
    ) -> StoredTurn | AskedBefore | TooManySiblings:
        owner_id = await self._owner(connection, turn)
        is_theirs = owner_id == turn.principal.user_id
        locked = await connection.fetchrow(
            _LOCK_OR_CREATE_SESSION, turn.session_id, owner_id, title, turn.principal.is_guest and is_theirs
        )
        if locked is None:
            raise _NotTheirsError
        active = locked["active_position"]
        place = (
            newly_placed(turn)
            if locked["is_new"]
            else await placed(connection, turn, active=active, is_theirs=is_theirs)
        )
        if not isinstance(place, Placed):
            return place
        added = await connection.fetch(
            _ADD_TURN,
            turn.session_id,
            turn.question_id,
            turn.answer_id,
            turn.question,
            turn.asked_at,
            list(turn.principal.groups),
            event_id,
            place.client_message_id,
            place.after,
            current_traceparent(),
        )
        answer = next((row for row in added if row["role"] == "assistant"), None)
        if answer is not None and active is not None:
            await show_latest(connection, turn.session_id)
        if answer is None:
            answer = await connection.fetchrow(_ANSWER, turn.answer_id, turn.session_id)
        assert answer is not None, "the answer was there when it was not inserted"  # noqa: S101 - ids decide it
        await note_key(connection, turn)
        status, asked_by, opened_by = answer["status"], answer["asked_by"], answer["opened_by"]
        if status not in {"queued", "opened"}:
            return StoredTurn(status, asked_by, opened_by, ended=ended_frame(answer))
        history: tuple[PastMessage, ...] = ()
        if opened_by == event_id:
            history = await past_messages(connection, turn, before=answer["position"], limits=self._past)
        return StoredTurn(status, asked_by, opened_by, history)

    async def _owner(self, connection: Connection, turn: Turn) -> UUID:
        """Whose the turn is: the asker's, or theirs who claimed the asker's sessions after it was asked."""
        asker = turn.principal
        if not asker.is_guest:
            return asker.user_id
        guest = await connection.fetchrow(_GUEST, asker.user_id)
        if guest is None:
            guest = await connection.fetchrow(_NEW_GUEST, asker.user_id)
        if guest is None or guest["claimed_by"] is None:
            return asker.user_id
        claimed_by: UUID = guest["claimed_by"]
        was_before = turn.asked_at <= guest["claimed_at"]
        # Sent again by who no longer owns it: refused, it would end the answer that is under way.
        if was_before or await connection.fetchval(_KNOWN, turn.answer_id, turn.session_id):
            return claimed_by
        return asker.user_id

    async def record(self, written: AnswerWritten, *, digest: str) -> RecordedAnswer | None:
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                recorded = await self._record(connection, written, digest=digest)
                await bill_key(connection, written)
                return recorded

    async def _record(self, connection: Connection, written: AnswerWritten, *, digest: str) -> RecordedAnswer | None:
        turn = written.turn
        if await connection.fetchval(LOCK_SESSION, turn.session_id) is None:
            return None
        stored = await connection.fetchrow(
            _END,
            turn.answer_id,
            turn.session_id,
            written.status,
            written.text,
            written.failure,
            [citation.model_dump(mode="json") for citation in written.citations],
            written.model,
            written.usage.model_dump(),
            written.timings.model_dump(),
            digest,
        )
        is_first = stored is not None
        stored = stored or await connection.fetchrow(_ANSWER, turn.answer_id, turn.session_id)
        if stored is None:
            return None
        opens = await self.open_next(connection, turn.session_id, event_id=written.event_id)
        return RecordedAnswer(ended_frame(stored), is_first, opens)

    async def open_next(self, connection: Connection, session_id: UUID, *, event_id: UUID | None) -> OpenedTurn | None:
        """The session's earliest unfinished turn, if it is this event's to open; the session's row is locked.

        An event that opened it before, and whose worker died before it could say so, opens it again.
        """
        earliest = await connection.fetchrow(_EARLIEST_UNFINISHED, session_id)
        if earliest is None:
            return None
        if earliest["status"] == "queued":
            await connection.execute(_OPEN, earliest["message_id"], event_id)
        elif event_id is None or earliest["opened_by"] != event_id:
            return None
        return await self.opened(connection, earliest["message_id"])

    async def opened(self, connection: Connection, answer_id: UUID) -> OpenedTurn | None:
        """The turn of an answer with its session's latest messages, or None when it is gone."""
        row = await connection.fetchrow(_TURN, answer_id)
        if row is None:
            return None
        turn = turn_of(row)
        past = await past_messages(connection, turn, before=row["position"], limits=self._past)
        return OpenedTurn(turn, past, row["traceparent"] or "")


class _NotTheirsError(Exception):
    """Rolls the transaction back: a stranger's question leaves no trace."""
