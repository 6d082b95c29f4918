"""What the Idempotency-Keys of uploads stand for."""

import re
from uuid import UUID

import asyncpg

from ingest_service.knowledge import Connection
from libs.errors import RequestError

_KEY = re.compile(r"[\x21-\x7e]{1,128}")

_RECALL = "SELECT document_id, fingerprint FROM upload_keys WHERE owner_id = $1 AND idempotency_key = $2"

_REMEMBER = """
    INSERT INTO upload_keys (owner_id, idempotency_key, fingerprint, document_id) VALUES ($1, $2, $3, $4)
    ON CONFLICT (owner_id, idempotency_key) DO NOTHING
    RETURNING document_id
"""


def check_key(key: str | None) -> None:
    """Returns when there is none, or one that can be kept.

    Raises:
        RequestError: 422 `invalid_idempotency_key`.
    """
    if key is not None and not _KEY.fullmatch(key):
        raise RequestError(
            "An Idempotency-Key is 1 to 128 visible ASCII characters.", status=422, code="invalid_idempotency_key"
        )


async def recall(database: Connection | asyncpg.Pool, owner_id: UUID, key: str, *, fingerprint: str) -> UUID | None:
    """The document that the key stands for; None when it is new.

    Args:
        database: a connection, or a pool.
        owner_id: whose key it is.
        key: as the client sent it.
        fingerprint: of what came with it.

    Raises:
        RequestError: 422 `idempotency_key_reused`, when something else came with it before.
    """
    row = await database.fetchrow(_RECALL, owner_id, key)
    if row is None:
        return None
    if row["fingerprint"] != fingerprint:
        raise RequestError(
            "This Idempotency-Key stood for another upload: take a new one.", status=422, code="idempotency_key_reused"
        )
    document_id: UUID = row["document_id"]
    return document_id


async def remember(connection: Connection, owner_id: UUID, key: str, *, fingerprint: str, document_id: UUID) -> None:
    """From the commit on the key stands for this upload.

    Args:
        connection: in the transaction that stores the document.
        owner_id: whose key it is.
        key: as the client sent it.
        fingerprint: of what came with it.
        document_id: what it became.

    Raises:
        RequestError: 422 `idempotency_key_reused`, when another request was quicker with something else.
    """
    if await connection.fetchval(_REMEMBER, owner_id, key, fingerprint, document_id) is None:
        await recall(connection, owner_id, key, fingerprint=fingerprint)
