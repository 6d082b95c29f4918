"""Documents in PostgreSQL, as people add, read and delete them."""

from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

import asyncpg
from uuid_utils.compat import uuid7

from ingest_service.knowledge import Connection, bump
from ingest_service.leftovers import LOCK_BLOB, Leftover, note
from ingest_service.readable import READABLE, collection_for, locked_collection, reader_of
from ingest_service.rights import Roles
from ingest_service.stored import Document, NewVersion
from ingest_service.upload_keys import recall, remember
from libs.contracts.values import Principal
from libs.db.errors import translated
from libs.errors import not_found

# Takes the row's lock in either case, so that two uploads of one name follow each other.
_UPSERT = """
    INSERT INTO documents (document_id, owner_id, collection, file_name, title, title_given, latest_version)
    VALUES ($1, $2, $3, $4, $5, $6, 0)
    ON CONFLICT (owner_id, collection, file_name) DO UPDATE SET owner_id = EXCLUDED.owner_id
    RETURNING document_id, latest_version
"""

_LATEST = """
    SELECT sha256 = $2 AND status <> 'failed' AND ($3::text IS NULL OR $3 = title) AS same
    FROM documents JOIN document_versions USING (document_id)
    WHERE document_id = $1 AND version = latest_version
"""

_ADD_VERSION = """
    INSERT INTO document_versions (document_id, version, sha256, size_bytes, media_type, blob_key)
    VALUES ($1, $2, $3, $4, $5, $3)
"""

# A title that was given stays until another is given.
_RAISE_VERSION = """
    UPDATE documents
    SET latest_version = $2, updated_at = now(), title = COALESCE($3, title),
        title_given = title_given OR $3 IS NOT NULL
    WHERE document_id = $1
"""

_PUBLISHED = """
    UPDATE document_versions SET publications = publications + 1
    WHERE document_id = $1 AND version = $2
"""

_READ = f"""
    SELECT documents.document_id, documents.owner_id, collection, file_name, title, current_version, version, status, media_type,
           size_bytes, progress_done, progress_total, failure_code, failure_message, documents.created_at,
           GREATEST(documents.updated_at, document_versions.updated_at) AS updated_at
    FROM documents
    JOIN document_versions ON document_versions.document_id = documents.document_id AND version = latest_version
    WHERE collection IN ({READABLE})
"""  # noqa: S608 - nothing but constants

_READ_ONE = f"{_READ} AND documents.document_id = $4"

_LIST = f"""
    {_READ} AND ($4::text IS NULL OR collection = $4) AND ($5::text IS NULL OR status = $5)
      AND ($6::uuid IS NULL OR documents.document_id < $6)
    ORDER BY documents.document_id DESC LIMIT $7
"""

_LOCK = f"""
    SELECT owner_id, collection, current_version FROM documents
    WHERE collection IN ({READABLE}) AND document_id = $4 FOR UPDATE
"""  # noqa: S608 - nothing but constants

_BLOB_KEYS = "SELECT DISTINCT blob_key FROM document_versions WHERE document_id = $1"

_DELETE = "DELETE FROM documents WHERE document_id = $1"


class Documents:
    """The documents of everyone; what a caller may not read is not there for them."""

    def __init__(self, pool: asyncpg.Pool, *, roles: Roles) -> None:
        self._pool = pool
        self._roles = roles

    async def place_for(self, principal: Principal, collection: str | None) -> str:
        """The collection that an upload to this one goes to: the caller's own when none is named.

        Raises:
            RequestError: 403 `forbidden`, 404 `collection_not_found`.
        """
        self._roles.check_uploads(principal)
        with translated():
            found = await collection_for(self._pool, principal, collection)
        self._roles.check_writes(principal, found)
        return found.collection

    async def recall(self, principal: Principal, upload: NewVersion) -> Document | None:
        """The document that the same request made before, as it is now; None when it did not.

        Raises:
            RequestError: 422 `idempotency_key_reused`.
        """
        if upload.idempotency_key is None:
            return None
        with translated():
            document_id = await recall(
                self._pool, principal.user_id, upload.idempotency_key, fingerprint=upload.fingerprint
            )
        return None if document_id is None else await self.read(document_id, principal)

    async def add(
        self, principal: Principal, upload: NewVersion, *, secure: Callable[[], Awaitable[None]]
    ) -> tuple[Document, bool]:
        """The document, and whether it has a new version that waits to be indexed.

        The same bytes again are no new version, unless they failed or another title comes with them.

        Args:
            principal: becomes the owner.
            upload: what was received.
            secure: makes sure that the blob is there; no leftover of another document takes it away afterwards.

        Raises:
            RequestError: 403 `forbidden` or 404 `collection_not_found`, when the right to add went in the meantime;
                422 `idempotency_key_reused`.
            TransientError: the database or the blob store did not answer; nothing has changed.
        """
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                collection = await locked_collection(connection, principal, upload.collection)
                self._roles.check_writes(principal, collection)
                document_id, is_new = await self._add(connection, principal, upload)
                if is_new:
                    await connection.execute(LOCK_BLOB, upload.sha256)
                    await secure()
                [row] = await connection.fetch(_READ_ONE, *reader_of(principal), document_id)
        return Document(**row), is_new

    async def _add(self, connection: Connection, principal: Principal, upload: NewVersion) -> tuple[UUID, bool]:
        [(document_id, latest)] = await connection.fetch(
            _UPSERT,
            *(uuid7(), principal.user_id, upload.collection, upload.file_name),
            *(upload.title or upload.fallback_title, upload.title is not None),
        )
        if upload.idempotency_key is not None:
            await remember(
                connection,
                principal.user_id,
                upload.idempotency_key,
                fingerprint=upload.fingerprint,
                document_id=document_id,
            )
        if await connection.fetchval(_LATEST, document_id, upload.sha256, upload.title):
            return document_id, False
        version = latest + 1
        await connection.execute(
            _ADD_VERSION, document_id, version, upload.sha256, upload.size_bytes, upload.media_type
        )
        await connection.execute(_RAISE_VERSION, document_id, version, upload.title)
        return document_id, True

    async def published(self, document_id: UUID, version: int) -> None:
        """Note that the version's event is on its stream; without the note the sweep publishes it again."""
        with translated():
            await self._pool.execute(_PUBLISHED, document_id, version)

    async def read(self, document_id: UUID, principal: Principal) -> Document:
        """A document that the principal may read.

        Raises:
            RequestError: 404 `document_not_found`.
        """
        with translated():
            row = await self._pool.fetchrow(_READ_ONE, *reader_of(principal), document_id)
        if row is None:
            raise not_found("document")
        return Document(**row)

    async def list(
        self,
        principal: Principal,
        *,
        collection: str | None = None,
        status: str | None,
        before: UUID | None,
        limit: int,
    ) -> Sequence[Document]:
        """Documents that the principal may read, newest first.

        Args:
            principal: who asks.
            collection: of this one alone; of any without it.
            status: of the latest version; any without it.
            before: the last document of the page before.
            limit: how many at most.
        """
        with translated():
            rows = await self._pool.fetch(_LIST, *reader_of(principal), collection, status, before, limit)
        return [Document(**row) for row in rows]

    async def delete(self, document_id: UUID, principal: Principal) -> Leftover:
        """Afterwards no question finds the document and no row knows it; what it leaves is to be removed.

        Raises:
            RequestError: 404 `document_not_found`, 403 `forbidden`.
        """
        with translated():
            async with self._pool.acquire() as connection, connection.transaction():
                row = await connection.fetchrow(_LOCK, *reader_of(principal), document_id)
                if row is None:
                    raise not_found("document")
                collection = await collection_for(connection, principal, row["collection"])
                self._roles.check_deletes(principal, owner_id=row["owner_id"], collection=collection)
                blob_keys = [found["blob_key"] for found in await connection.fetch(_BLOB_KEYS, document_id)]
                await connection.execute(_DELETE, document_id)
                if row["current_version"] is not None:
                    await bump(connection, row["collection"])
                return await note(
                    connection,
                    collection=row["collection"],
                    document_id=document_id,
                    chunk_ids=None,
                    blob_keys=blob_keys,
                )
