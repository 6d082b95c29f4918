"""Documents in PostgreSQL, as people add, read and delete them."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg
from uuid_utils.compat import uuid7

from ingest_service.knowledge import Connection, bump
from ingest_service.leftovers import note
from ingest_service.readable import READABLE, collection_for, given_to, locked_collection, reader_of
from ingest_service.rights import Roles
from ingest_service.stored import Deleted, Document, NewVersion
from ingest_service.upload_keys import key_reused, recall
from libs.contracts.values import Principal
from libs.db.errors import translated
from libs.errors import not_found

_ADD = "SELECT * FROM add_document_v1($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"

READ = f"""
    SELECT documents.document_id, owner_id, collection, file_name, title, current_version, version, status,
           media_type, size_bytes, progress_done, progress_total, failure_code, failure_message, documents.created_at,
           GREATEST(documents.updated_at, document_versions.updated_at) AS updated_at,
           CASE status WHEN 'embedding' THEN seconds_left END AS seconds_left,
           extract(epoch FROM now() - document_versions.updated_at)::float8 AS still_seconds
    FROM documents
    JOIN document_versions ON document_versions.document_id = documents.document_id AND version = latest_version
    WHERE collection IN ({READABLE})
"""  # noqa: S608 - nothing but constants

_READ_ONE = f"{READ} AND documents.document_id = $4"

_LIST = f"""
    {READ} AND ($4::text IS NULL OR collection = $4) AND ($5::text IS NULL OR status = $5)
      AND ($6::uuid IS NULL OR documents.document_id < $6)
      AND ($7::text IS NULL OR position(lower($7) IN lower(file_name)) > 0)
    ORDER BY documents.document_id DESC LIMIT $8
"""

_LOCK = f"""
    SELECT owner_id, collection, current_version FROM documents
    WHERE collection IN ({READABLE}) AND document_id = $4 FOR UPDATE
"""  # noqa: S608 - nothing but constants

_BLOB_KEYS = "SELECT blob_key FROM document_versions WHERE document_id = $1"

_PASSAGES = "SELECT count(*) FROM chunks WHERE document_id = $1"

_DELETE = "DELETE FROM documents WHERE document_id = $1"


class Documents:
    """The documents of everyone; what a caller may not read is not there for them."""

    def __init__(self, pool: asyncpg.Pool, *, roles: Roles, places: int) -> None:
        self._pool = pool
        self._roles = roles
        self._places = places

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

    async def add(self, principal: Principal, upload: NewVersion) -> tuple[Document, bool]:
        """The document, and whether it has a new version that waits to be indexed.

        The same bytes again are no new version, unless they failed or another title comes with them. Until the
        commit a leftover of another document may take the blob away, afterwards nothing does.

        Args:
            principal: becomes the owner.
            upload: what was received.

        Raises:
            RequestError: 403 `forbidden` or 404 `collection_not_found`, when the right to add went in the meantime;
                422 `idempotency_key_reused`.
            TransientError: the database did not answer; nothing has changed.
        """
        with translated():
            if upload.collection in {given.collection for given in given_to(principal)}:
                # The token alone says who adds to it, and that was checked.
                return await self._add(self._pool, principal, upload)
            async with self._pool.acquire() as connection, connection.transaction():
                collection = await locked_collection(connection, principal, upload.collection)
                self._roles.check_writes(principal, collection)
                return await self._add(connection, principal, upload)

    async def _add(
        self, database: Connection | asyncpg.Pool, principal: Principal, upload: NewVersion
    ) -> tuple[Document, bool]:
        try:
            [row] = await database.fetch(
                _ADD,
                *(uuid7(), principal.user_id, upload.collection, upload.file_name),
                *(upload.title, upload.fallback_title, upload.sha256, upload.size_bytes, upload.media_type),
                *(self._places, upload.idempotency_key, upload.fingerprint),
            )
        except asyncpg.UniqueViolationError as error:
            raise key_reused() from error
        is_new, *document = row
        return Document(*document), is_new

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
        name: str | None = None,
    ) -> Sequence[Document]:
        """Documents that the principal may read, newest first.

        Args:
            principal: who asks.
            collection: of this one alone; of any without it.
            status: of the latest version; any without it.
            before: the last document of the page before.
            limit: how many at most.
            name: what the file's name contains, in whatever case.
        """
        with translated():
            rows = await self._pool.fetch(_LIST, *reader_of(principal), collection, status, before, name, limit)
        return [Document(**row) for row in rows]

    async def delete(self, document_id: UUID, principal: Principal) -> Deleted:
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
                passages = await connection.fetchval(_PASSAGES, document_id)
                await connection.execute(_DELETE, document_id)
                if row["current_version"] is not None:
                    await bump(connection, row["collection"])
                leftover = await note(
                    connection,
                    collection=row["collection"],
                    document_id=document_id,
                    chunk_ids=None,
                    blob_keys=sorted(set(blob_keys)),
                )
        return Deleted(document_id, row["owner_id"], len(blob_keys), passages, leftover)
