"""Collections as a caller may read them at this moment: the right is part of each statement."""

from uuid import UUID

import asyncpg

from ingest_service.knowledge import Connection
from ingest_service.rights import Collection
from libs.contracts.values import PUBLIC_COLLECTION, Principal, own_collection
from libs.errors import not_found

READABLE = "SELECT readable.collection FROM readable_collections_v1($1, $2, $3) AS readable"
"""The collections that may be read by `reader_of(principal)`, the first three parameters of the statement."""

COLUMNS = """
    collection, owner_id, name, is_public, true AS is_made,
    coalesce((
        SELECT jsonb_object_agg(group_name, access) FROM collection_grants
        WHERE collection_grants.collection = collections.collection
    ), '{}') AS grants,
    created_at, updated_at
"""

# Two statements: what is read of the grants after the wait for the lock is what whoever held it has left.
LOCK = "SELECT FROM collections WHERE collection = $1 FOR NO KEY UPDATE"
_SHARE = "SELECT FROM collections WHERE collection = $1 FOR SHARE"

_READ = f"SELECT {COLUMNS} FROM collections WHERE collection IN ({READABLE}) AND collection = $4"  # noqa: S608 - constants

OWN_NAME = "own"
"""What the API calls everyone's own collection; a page shows its own word for it."""


def reader_of(principal: Principal) -> tuple[UUID, bool, tuple[str, ...]]:
    """The principal as the database's functions take them."""
    return principal.user_id, principal.is_guest, principal.groups


def given_to(principal: Principal) -> tuple[Collection, ...]:
    """The collections that nobody had to make, in the order of lists."""
    own = own_collection(principal.user_id)
    return (
        Collection(own, principal.user_id, OWN_NAME, is_public=False),
        Collection(PUBLIC_COLLECTION, None, PUBLIC_COLLECTION, is_public=True),
    )


async def collection_for(
    database: Connection | asyncpg.Pool, principal: Principal, collection: str | None
) -> Collection:
    """The collection, or the principal's own when none is named.

    Args:
        database: a connection, or a pool.
        principal: who asks.
        collection: any text a client may have sent.

    Raises:
        RequestError: 404 `collection_not_found`, also when it is there and the principal may not read it.
    """
    own, public = given_to(principal)
    if collection in {None, own.collection}:
        return own
    if collection == PUBLIC_COLLECTION:
        return public
    # What a text cannot hold in PostgreSQL is no collection's name.
    row = None
    if collection is not None and collection.isprintable():
        row = await database.fetchrow(_READ, *reader_of(principal), collection)
    if row is None:
        raise not_found("collection")
    return Collection(**row)


async def locked_collection(connection: Connection, principal: Principal, collection: str) -> Collection:
    """The collection, whose rights nobody changes until the transaction ends.

    Raises:
        RequestError: 404 `collection_not_found`.
    """
    await connection.execute(_SHARE, collection)
    return await collection_for(connection, principal, collection)
