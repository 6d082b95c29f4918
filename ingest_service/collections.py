"""Collections in PostgreSQL, as people make, list, change and delete them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import asyncpg
from uuid_utils.compat import uuid7

from ingest_service.knowledge import Connection, void_rankings
from ingest_service.readable import COLUMNS, LOCK, READABLE, collection_for, given_to, reader_of
from ingest_service.rights import Access, Collection, Roles, forbidden
from libs.contracts.values import Principal
from libs.db.errors import translated
from libs.errors import RequestError

OWNED_MAX = 200
"""Of one person: each is a namespace that questions of everybody who reads it are asked in."""
GRANTS_MAX = 100
"""Of one collection."""

# One person's requests follow each other: two with the same key must not both find it new.
_LOCK_OWNER = "SELECT pg_advisory_xact_lock(hashtextextended('collections ' || $1::uuid, 0))"

_OF_KEY = "SELECT collection, fingerprint FROM collections WHERE owner_id = $1 AND idempotency_key = $2"

_OWNED = "SELECT count(*) FROM collections WHERE owner_id = $1"

_MAKE = """
    INSERT INTO collections (collection, owner_id, name, is_public, idempotency_key, fingerprint)
    VALUES ($1, $2, $3, $4, $5, $6)
"""

_LIST = f"""
    SELECT {COLUMNS} FROM collections
    WHERE collection IN ({READABLE}) AND ($4::text IS NULL OR collection COLLATE "C" < $4)
    ORDER BY collection COLLATE "C" DESC LIMIT $5
"""  # noqa: S608 - nothing but constants

_CHANGE = """
    UPDATE collections
    SET name = coalesce($2, name), is_public = coalesce($3, is_public), updated_at = clock_timestamp()
    WHERE collection = $1
"""

_GRANT = """
    INSERT INTO collection_grants (collection, group_name, access) VALUES ($1, $2, $3)
    ON CONFLICT (collection, group_name) DO UPDATE SET access = EXCLUDED.access
"""

_REVOKE = "DELETE FROM collection_grants WHERE collection = $1 AND group_name = ANY ($2)"

_GRANTS = "SELECT count(*) FROM collection_grants WHERE collection = $1"

_AS_CHANGED = f"SELECT {COLUMNS} FROM collections WHERE collection = $1"  # noqa: S608 - nothing but constants

# Without its row nobody reads it, from the commit on. Its documents are taken away in pieces afterwards.
_REMOVE = "DELETE FROM collections WHERE collection = $1"
_REMEMBER_REMOVED = "INSERT INTO removed_collections (collection) VALUES ($1)"


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be different.

    Attributes:
        name: None leaves it.
        public: None leaves it.
        groups: what each of these groups may do from now on, None for nothing; other groups keep what they have.
    """

    name: str | None = None
    public: bool | None = None
    groups: Mapping[str, Access | None] = field(default_factory=dict)

    @property
    def is_of_rights(self) -> bool:
        """Whether others read the collection afterwards than before."""
        return self.public is not None or bool(self.groups)


class Collections:
    """The collections of everyone; what a caller may not read is not there for them.

    Args:
        pool: the caller's to close.
        roles: who has a part.
    """

    def __init__(self, pool: asyncpg.Pool, *, roles: Roles) -> None:
        self._pool = pool
        self._roles = roles

    async def make(
        self, principal: Principal, change: Change, *, idempotency_key: str | None, fingerprint: str
    ) -> Collection:
        """A new collection of the principal's; the same one when the same request made it before.

        Args:
            principal: becomes the owner.
            change: its name, and who reads it beside the owner.
            idempotency_key: the client's.
            fingerprint: what the key stands for.

        Raises:
            RequestError: 403 `forbidden`, 409 `too_many_collections`, 422 `idempotency_key_reused` or
                `too_many_groups`.
            TransientError: the database did not answer; nothing has changed.
        """
        if not self._roles.uploads(principal):
            raise forbidden("You may not make collections.")
        self._roles.check_grants(principal, groups=change.groups, public=change.public)
        collection = str(uuid7())
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                await connection.execute(_LOCK_OWNER, principal.user_id)
                before = await connection.fetchrow(_OF_KEY, principal.user_id, idempotency_key)
                if before is not None:
                    if before["fingerprint"] != fingerprint:
                        raise RequestError(
                            "This Idempotency-Key stood for another collection: take a new one.",
                            status=422,
                            code="idempotency_key_reused",
                        )
                    return await _as_changed(connection, before["collection"])
                if await connection.fetchval(_OWNED, principal.user_id) >= OWNED_MAX:
                    raise RequestError(
                        f"You have {OWNED_MAX} collections: delete one first.", status=409, code="too_many_collections"
                    )
                await connection.execute(
                    _MAKE,
                    *(collection, principal.user_id, change.name, bool(change.public), idempotency_key, fingerprint),
                )
                await _regrant(connection, collection, change.groups)
                return await _as_changed(connection, collection)

    async def read(self, principal: Principal, collection: str) -> Collection:
        """One collection.

        Raises:
            RequestError: 404 `collection_not_found`.
        """
        with translated():
            return await collection_for(self._pool, principal, collection)

    async def list(self, principal: Principal, *, before: str | None, limit: int) -> Sequence[Collection]:
        """What the principal may read: their own, the public one, then what people have made, newest first.

        Args:
            principal: who asks.
            before: the last collection of the page before.
            limit: how many at most.
        """
        given = [one for one in given_to(principal) if before is None or one.collection < before][:limit]
        with translated():
            rows = await self._pool.fetch(_LIST, *reader_of(principal), before, limit - len(given))
        return [*given, *(Collection(**row) for row in rows)]

    async def change(self, principal: Principal, collection: str, change: Change) -> Collection:
        """The collection as it is afterwards. From the commit on nobody reads it who has lost the right.

        Raises:
            RequestError: 403 `forbidden`, 404 `collection_not_found`, 422 `too_many_groups`.
            TransientError: the database did not answer; nothing has changed.
        """
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                await self._lock(connection, principal, collection)
                self._roles.check_grants(principal, groups=change.groups, public=change.public)
                await connection.execute(_CHANGE, collection, change.name, change.public)
                await _regrant(connection, collection, change.groups)
                if change.is_of_rights:
                    await void_rankings(connection, collection)
                return await _as_changed(connection, collection)

    async def delete(self, principal: Principal, collection: str) -> None:
        """From the commit on nobody reads it or anything in it; its documents are still to be cleared.

        Raises:
            RequestError: 403 `forbidden`, 404 `collection_not_found`.
            TransientError: the database did not answer; nothing has changed.
        """
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                await self._lock(connection, principal, collection)
                await connection.execute(_REMOVE, collection)
                await connection.execute(_REMEMBER_REMOVED, collection)

    async def _lock(self, connection: Connection, principal: Principal, collection: str) -> None:
        if not collection.isprintable():
            # As `collection_for` answers; the lock's statement would raise.
            await collection_for(connection, principal, collection)
        await connection.execute(LOCK, collection)
        self._roles.check_manages(principal, await collection_for(connection, principal, collection))


async def _regrant(connection: Connection, collection: str, groups: Mapping[str, Access | None]) -> None:
    if not groups:
        return
    await connection.execute(_REVOKE, collection, [group for group, access in groups.items() if access is None])
    # In one order everywhere, so that two who change the same do not wait for each other.
    granted = sorted((collection, group, access) for group, access in groups.items() if access is not None)
    await connection.executemany(_GRANT, granted)
    if await connection.fetchval(_GRANTS, collection) > GRANTS_MAX:
        raise RequestError(
            f"A collection can be open to {GRANTS_MAX} groups: make one group of several.",
            status=422,
            code="too_many_groups",
        )


async def _as_changed(connection: Connection, collection: str) -> Collection:
    [row] = await connection.fetch(_AS_CHANGED, collection)
    return Collection(**row)
