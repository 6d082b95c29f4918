"""The count of a collection's changes, by which everything that caches what was found is keyed."""

import asyncpg

Connection = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy
"""In a transaction."""

_BUMP = """
    INSERT INTO knowledge_versions (collection, version) VALUES ($1, 1)
    ON CONFLICT (collection) DO UPDATE SET version = knowledge_versions.version + 1
"""


async def bump(connection: Connection, collection: str) -> None:
    """What questions find in the collection has changed; part of the transaction that changes it."""
    await connection.execute(_BUMP, collection)
