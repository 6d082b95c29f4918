"""The bytes of documents, for those who may read them at this moment."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple
from uuid import UUID

import asyncpg

from ingest_service.ports import Blobs
from ingest_service.readable import READABLE, reader_of
from libs.contracts.values import Principal
from libs.db.errors import translated
from libs.errors import RequestError, not_found

_FIND = f"""
    SELECT file_name, version, status, media_type, size_bytes, sha256, blob_key
    FROM documents
    LEFT JOIN document_versions ON document_versions.document_id = documents.document_id
      AND version = coalesce($5::integer, current_version, latest_version)
    WHERE collection IN ({READABLE}) AND documents.document_id = $4
"""  # noqa: S608 - nothing but constants


class Content(NamedTuple):
    """What was uploaded as one version of a document.

    Attributes:
        media_type: as found in the bytes.
        sha256: of the bytes, in hex.
    """

    file_name: str
    media_type: str
    size_bytes: int
    sha256: str
    blob_key: str


class Contents:
    """The contents of everyone's documents; what a caller may not read is not there for them.

    Args:
        pool: the database of the rows.
        blobs: where the bytes are.
    """

    def __init__(self, pool: asyncpg.Pool, blobs: Blobs) -> None:
        self._pool = pool
        self._blobs = blobs

    async def find(self, document_id: UUID, principal: Principal, *, version: int | None) -> Content:
        """The content of this version; without one of that which questions find, or of the latest.

        Raises:
            RequestError: 404 `document_not_found` or `version_not_found`; 410 `version_replaced`.
        """
        with translated():
            row = await self._pool.fetchrow(_FIND, *reader_of(principal), document_id, version)
        if row is None:
            raise not_found("document")
        if row["version"] is None:
            raise not_found("version")
        if row["status"] == "replaced":
            raise RequestError(
                "Another version has replaced this one, whose bytes were not kept. Leave `version` out for today's.",
                status=410,
                code="version_replaced",
            )
        return Content(*(row[name] for name in Content._fields))

    @asynccontextmanager
    async def reading(self, content: Content, *, start: int, end: int) -> AsyncIterator[AsyncIterator[bytes]]:
        """Its bytes from `start` to before `end`, a piece at a time, until the block ends.

        Raises:
            PermanentError: they have gone.
            TransientError: the store does not answer.
        """
        async with self._blobs.pieces(content.blob_key, start=start, end=end) as pieces:
            yield pieces
