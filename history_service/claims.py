"""A guest's sessions become an account's, in PostgreSQL."""

from uuid import UUID

import asyncpg

from libs.db.errors import translated

_SEEN = "INSERT INTO users (user_id, is_guest) VALUES ($1, true), ($2, false) ON CONFLICT (user_id) DO NOTHING"

# Stronger than an update's own lock: the guest's turns that are being stored are waited for, and later ones wait.
_LOCK_GUEST = "SELECT FROM users WHERE user_id = $1 FOR UPDATE"

_MARK = "UPDATE users SET claimed_by = $2, claimed_at = clock_timestamp() WHERE user_id = $1"

_MOVE = """
    WITH moved AS (UPDATE chat_sessions SET user_id = $2 WHERE user_id = $1 RETURNING deleted_at)
    SELECT count(*) FROM moved WHERE deleted_at IS NULL
"""


class PostgresClaims:
    """Moves sessions.

    Args:
        pool: connections to the writer.
    """

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def claim(self, guest_id: UUID, user_id: UUID) -> int:
        """All sessions that the guest has at this moment are the user's; how many this call moved.

        Deleted ones move too, so that nothing brings them back and their new owner can restore them. What the guest
        has asked and nobody has stored yet is the user's when it is: `PostgresTurns` looks for this claim.
        """
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                await connection.execute(_SEEN, guest_id, user_id)
                await connection.execute(_LOCK_GUEST, guest_id)
                await connection.execute(_MARK, guest_id, user_id)
                return int(await connection.fetchval(_MOVE, guest_id, user_id))
