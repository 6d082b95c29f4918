"""What of a session's past a new turn may carry, as PostgreSQL has it."""

import asyncpg

from history_service.past import PastLimits, PastTurn, recent_messages
from history_service.paths import path_to
from libs.contracts.values import PastMessage, Turn

Connection = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy

# What was said on the turn's own branch, without the turns whose answers cite what the asker may read no more: the
# model would tell it again.
_PAST = f"""
    WITH RECURSIVE {path_to("SELECT $2::integer")}, past AS (
        SELECT earlier.* FROM path CROSS JOIN LATERAL (
            SELECT question.content AS question, answer.content AS answer, answer.position,
                   ARRAY(
                       SELECT (cited ->> 'document_id')::uuid FROM jsonb_array_elements(answer.citations) AS cited
                   ) AS cites
            FROM chat_messages AS answer
            JOIN chat_messages AS question
              ON question.session_id = answer.session_id AND question.position = answer.position - 1
            WHERE answer.session_id = $1 AND answer.position >= first AND answer.position <= last
              AND answer.position < $2 AND answer.role = 'assistant'
              AND answer.status IN ('completed', 'cancelled') AND answer.content <> ''
            ORDER BY answer.position DESC
            LIMIT $3
        ) AS earlier
        ORDER BY position DESC
        LIMIT $3
    )
    SELECT question, answer FROM past
    WHERE cites <@ ARRAY(
        SELECT document_id FROM readable_documents_v1($4, $5, $6, ARRAY(SELECT unnest(cites) FROM past))
    )
    ORDER BY position DESC
"""  # noqa: S608 - nothing but constants

_FIRST_ANSWER = 2
"""The position of a session's first answer: nothing to remember there."""


async def past_messages(
    connection: Connection, turn: Turn, *, before: int, limits: PastLimits
) -> tuple[PastMessage, ...]:
    """The latest answered turns before this one on its branch, within the limits, oldest first.

    Without those whose answers cite what the one who asks may not read now.

    Args:
        connection: in the transaction that opens the turn.
        turn: the new one.
        before: its answer's position.
        limits: how much it may carry.
    """
    if before <= _FIRST_ANSWER:
        return ()
    asker = turn.principal
    rows = await connection.fetch(
        _PAST,
        *(turn.session_id, before, limits.turns),
        *(asker.user_id, asker.is_guest, asker.groups),
    )
    return recent_messages([PastTurn(row["question"], row["answer"]) for row in rows], limits)
