"""What a search over one's own messages costs: `python -m tests.bench.history_search [--messages 10000]`.

One user with so many messages in one session among others' who have ten times as many; a common word, a rare one, and
one that nobody said. PostgreSQL as the embedded run has it, the statement of the history api, one after the other.
"""

import argparse
import asyncio
import secrets
import statistics
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg

from deploy.local.postgres import PostgresServer
from deploy.local.program import free_port, running
from history_service.search import PostgresSearch
from libs.config import PostgresSettings
from libs.db.migrate import migrate, service_folders
from libs.db.pool import create_pool

RUNS = 20
QUERIES = {"in every answer": "transfer", "in one of a hundred": "passport", "in none": "xylophone"}
STRANGERS = 10
SLICE = 1_000
"""Messages written in one statement, which has a time limit."""

_USER = "INSERT INTO users (user_id, is_guest) VALUES ($1, false)"
_SESSION = "INSERT INTO chat_sessions (session_id, user_id, title) VALUES ($1, $2, 'Bench')"
# An answer has about 1,600 characters of differing words.
_FILL = """
    INSERT INTO chat_messages (
        message_id, session_id, position, role, content, status, asked_by, digest, completed_at
    )
    SELECT gen_random_uuid(), $1, n, CASE n % 2 WHEN 1 THEN 'user' ELSE 'assistant' END,
           CASE n % 2 WHEN 1 THEN 'How long does it take, number ' || n
           ELSE 'A transfer takes a while. ' || CASE n % 200 WHEN 0 THEN 'Bring your passport. ' ELSE '' END || (
               SELECT string_agg(md5(n::text || word::text), ' ') FROM generate_series(1, 48) AS word
           ) END,
           CASE n % 2 WHEN 0 THEN 'completed' END, CASE n % 2 WHEN 0 THEN gen_random_uuid() END,
           CASE n % 2 WHEN 0 THEN '' END, CASE n % 2 WHEN 0 THEN now() END
    FROM generate_series($2::integer, $3::integer) AS n
"""


async def fill(pool: asyncpg.Pool, messages: int) -> UUID:
    """A user with so many messages, and others with as many each."""
    users = [uuid4() for _ in range(1 + STRANGERS)]
    for user_id in users:
        session_id = uuid4()
        await pool.execute(_USER, user_id)
        await pool.execute(_SESSION, session_id, user_id)
        for first in range(1, messages, SLICE):
            await pool.execute(_FILL, session_id, first, min(first + SLICE - 1, messages))
    await pool.execute("ANALYZE chat_messages", timeout=300)
    return users[0]


async def measure(messages: int) -> Mapping[str, float]:
    """Median seconds by what is searched."""
    with tempfile.TemporaryDirectory() as name:
        postgres = PostgresServer(Path(name) / "postgres", free_port(), secrets.token_hex(16), {})
        async with running(postgres):
            await migrate(postgres.url, service_folders())
            settings = PostgresSettings.model_validate({"database_url": f"{postgres.url}"})
            async with create_pool(settings, application_name="bench") as pool:
                user_id = await fill(pool, messages)
                search = PostgresSearch(pool)
                return {what: await _median(search, user_id, query) for what, query in QUERIES.items()}


async def _median(search: PostgresSearch, user_id: UUID, query: str) -> float:
    times = []
    for _ in range(RUNS):
        began = time.perf_counter()
        await search.search(user_id, query, after=None, limit=21)
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def main() -> None:
    """Measure and say it."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--messages", type=int, default=10_000)
    messages = arguments.parse_args().messages
    for what, seconds in asyncio.run(measure(messages)).items():
        print(f"{messages:,} messages, a word {what}: {seconds * 1000:.0f} ms")


if __name__ == "__main__":
    main()
