"""What was asked with which key, and what the answers used; each inside of the turn's own transaction."""

import asyncpg

from libs.contracts.events import AnswerWritten
from libs.contracts.values import Turn

Connection = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy

# Nothing, for a key whose account was deleted since.
_NOTE = """
    INSERT INTO asked_with (answer_id, key_id) SELECT $1::uuid, key_id FROM api_keys WHERE key_id = $2
    ON CONFLICT (answer_id) DO NOTHING
"""

# Once, however many events end the answer, and whether or not its session is there.
_BILL = """
    WITH billed AS (
        UPDATE asked_with SET billed = true WHERE answer_id = $1 AND NOT billed RETURNING key_id
    )
    INSERT INTO key_usage (key_id, month, answers, input_tokens, output_tokens, cost_micro_usd)
    SELECT key_id, date_trunc('month', now() AT TIME ZONE 'UTC')::date, 1, $2::bigint, $3::bigint, $4::bigint
    FROM billed
    ON CONFLICT (key_id, month) DO UPDATE
    SET answers = key_usage.answers + 1, input_tokens = key_usage.input_tokens + excluded.input_tokens,
        output_tokens = key_usage.output_tokens + excluded.output_tokens,
        cost_micro_usd = key_usage.cost_micro_usd + excluded.cost_micro_usd
"""


async def note_key(connection: Connection, turn: Turn) -> None:
    """Keep with which key the turn was asked, if it was with one."""
    if turn.principal.key is not None:
        await connection.execute(_NOTE, turn.answer_id, turn.principal.key.key_id)


async def bill_key(connection: Connection, written: AnswerWritten) -> None:
    """Count the answer for the key that it was asked with, if it was with one."""
    used = written.usage
    if written.turn.principal.key is not None:
        # The last statement of its transaction: answers to the questions of one key wait here for each other.
        await connection.execute(
            _BILL, written.turn.answer_id, used.input_tokens, used.output_tokens, written.cost_micro_usd
        )
