"""The count of a collection's changes, by which everything that caches what was found is keyed."""

import asyncpg

Connection = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy
"""In a transaction."""

_BUMP = """
    INSERT INTO knowledge_versions (collection, version) VALUES ($1, 1)
    ON CONFLICT (collection) DO UPDATE SET version = knowledge_versions.version + 1
"""

# A collection in which nothing was ever found is in no key.
_VOID = "UPDATE knowledge_versions SET version = version + 1 WHERE collection = $1"


async def bump(connection: Connection, collection: str) -> None:
    """What questions find in the collection has changed; part of the transaction that changes it."""
    await connection.execute(_BUMP, collection)


async def void_rankings(connection: Connection, collection: str) -> None:
    """Others read the collection from now on; part of the transaction that decides it.

    Each reader's key changes by the collections in it anyway. But a search that was under way while a right went may
    have ranked without it, under the key of those who kept theirs.
    """
    await connection.execute(_VOID, collection)
