"""A session's first turn, in one statement: nothing that was stored before can say where it belongs."""

from uuid import UUID

import asyncpg

from libs.contracts.values import Turn
from libs.telemetry.tracing import current_traceparent

# As the steps of `turns.py` would do it, and in their order: the user's row is locked first. A guest whose row is not
# there yet, or whose sessions were claimed, goes the long way, as does whoever asks in a session that is there.
_OPEN_FIRST = """
    WITH guest AS (
        SELECT claimed_by FROM users WHERE user_id = $2::uuid AND $4::boolean FOR KEY SHARE
    ), may AS (
        SELECT WHERE NOT $4 OR EXISTS (SELECT FROM guest WHERE claimed_by IS NULL)
    ), seen AS (
        INSERT INTO users (user_id, is_guest) SELECT $2, $4 FROM may
        ON CONFLICT (user_id) DO UPDATE SET last_seen_at = now(), is_guest = excluded.is_guest
        WHERE users.last_seen_at < now() - interval '1 minute' OR users.is_guest <> excluded.is_guest
        RETURNING user_id
    ), created AS (
        INSERT INTO chat_sessions (session_id, user_id, title)
        SELECT $1::uuid, $2, $3::text FROM may, (SELECT count(*) FROM seen) AS first
        ON CONFLICT (session_id) DO NOTHING
        RETURNING session_id
    )
    INSERT INTO chat_messages (
        message_id, session_id, position, role, content, created_at, client_message_id,
        status, groups, asked_by, opened_by, opened_at, traceparent
    )
    SELECT $5::uuid, session_id, 1, 'user', $7::text, $8::timestamptz, $9::text,
           NULL, NULL, NULL, NULL, NULL::timestamptz, NULL
    FROM created
    UNION ALL
    SELECT $6::uuid, session_id, 2, 'assistant', '', now(), NULL,
           'opened', $10::text[], $11::uuid, $11::uuid, clock_timestamp(), $12::text
    FROM created
    RETURNING position
"""


def may_be_first(turn: Turn) -> bool:
    """Whether the asker was shown nothing before it; with a key there is more to store than the turn."""
    return turn.seen is None and turn.replaces is None and turn.principal.key is None


async def open_first(pool: asyncpg.Pool, turn: Turn, *, event_id: UUID, title: str) -> bool:
    """Whether the turn is stored and opened now, as its session's first; if not, nothing of it is."""
    asker = turn.principal
    stored = await pool.fetch(
        _OPEN_FIRST,
        turn.session_id,
        asker.user_id,
        title,
        asker.is_guest,
        turn.question_id,
        turn.answer_id,
        turn.question,
        turn.asked_at,
        turn.client_message_id,
        list(asker.groups),
        event_id,
        current_traceparent(),
    )
    return bool(stored)
