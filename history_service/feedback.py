"""What people think of answers, in PostgreSQL beside the answers themselves."""

from typing import Any, Literal
from uuid import UUID

import asyncpg

from libs.db.errors import translated

Rating = Literal["up", "down"]

_OWN = """
    message_id = $1 AND chat_messages.session_id = $2 AND chat_sessions.session_id = chat_messages.session_id
    AND chat_sessions.user_id = $3 AND chat_sessions.deleted_at IS NULL
"""

_RATE = f"""
    UPDATE chat_messages SET rating = $4, rating_reason = $5, rated_at = clock_timestamp()
    FROM chat_sessions WHERE {_OWN} AND completed_at IS NOT NULL
    RETURNING rating, rating_reason, rated_at
"""  # noqa: S608 - nothing but constants

_UNRATE = f"""
    UPDATE chat_messages SET rating = NULL, rating_reason = NULL, rated_at = NULL
    FROM chat_sessions WHERE {_OWN}
    RETURNING message_id
"""  # noqa: S608 - nothing but constants


class PostgresFeedback:
    """Ratings, for the owners of the answers' sessions.

    Args:
        pool: connections to the writer.
    """

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def rate(
        self, message_id: UUID, session_id: UUID, user_id: UUID, *, rating: Rating, reason: str | None
    ) -> Any | None:
        """The rating as it is stored, in place of an earlier one; None: there is no such answer that has ended."""
        with translated():
            return await self._pool.fetchrow(_RATE, message_id, session_id, user_id, rating, reason)

    async def unrate(self, message_id: UUID, session_id: UUID, user_id: UUID) -> bool:
        """Afterwards the message has no rating; False: the user has no such message."""
        with translated():
            return await self._pool.fetchval(_UNRATE, message_id, session_id, user_id) is not None
