"""A set's documents through the door that everybody's go through."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import asyncpg
import httpx

from deploy.local.documents import upload
from deploy.local.environment import EDITOR_EMAIL
from deploy.local.sign_in import identity_of, user_token
from tests.e2e.stack import Stack
from tests.eval.data import Document

AT_ONCE = 8
COLLECTION = "public"
PATIENCE_SECONDS = 3600.0
_STATES = "SELECT status, count(*) AS many FROM document_versions GROUP BY status"
_CHUNKS = """
    SELECT c.chunk_id, d.file_name FROM chunks c JOIN documents d USING (document_id)
"""


async def load(stack: Stack, documents: Sequence[Document], folder: Path) -> float:
    """Every document is searchable; seconds it took.

    Raises:
        RuntimeError: some are not, though nothing is under way.
    """
    begun = time.perf_counter()
    folder.mkdir()
    async with httpx.AsyncClient(trust_env=False) as http:
        identity = await identity_of(stack.url, http)
        token = await user_token(identity, http, email=EDITOR_EMAIL, password=stack.secrets.editor)
        waiting = iter(enumerate(documents))

        async def hand() -> None:
            for number, document in waiting:
                path = folder / f"{number}.md"
                title = " ".join(document.title.split()).replace("#", "")
                path.write_text(f"# {title}\n\n{document.text}" if title else document.text, encoding="utf-8")
                await upload(http, stack.url, path, token=token, collection=COLLECTION)

        async with asyncio.TaskGroup() as tasks:
            for _ in range(AT_ONCE):
                tasks.create_task(hand())
    await _searchable(stack.database_url, len(documents))
    return time.perf_counter() - begun


async def chunk_owners(pool: asyncpg.Pool, documents: Sequence[Document]) -> dict[UUID, str]:
    """Which document of the set each chunk is of."""
    rows = await pool.fetch(_CHUNKS)
    return {row["chunk_id"]: documents[int(Path(row["file_name"]).stem)].id for row in rows}


async def _searchable(database_url: str, count: int) -> None:
    connection = await asyncpg.connect(database_url)
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                states = {row["status"]: row["many"] for row in await connection.fetch(_STATES)}
                if states.get("searchable", 0) + states.get("failed", 0) >= count:
                    break
                await asyncio.sleep(0.5)
        if states.get("failed"):
            print(f"{states['failed']} documents could not be indexed")
        await connection.execute("ANALYZE chunks")
    finally:
        await connection.close()
