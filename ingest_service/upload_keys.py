"""What the Idempotency-Keys of uploads stand for."""

import re
from uuid import UUID

import asyncpg

from libs.errors import RequestError

_KEY = re.compile(r"[\x21-\x7e]{1,128}")

_RECALL = "SELECT document_id, fingerprint FROM upload_keys WHERE owner_id = $1 AND idempotency_key = $2"


def check_key(key: str | None) -> None:
    """Returns when there is none, or one that can be kept.

    Raises:
        RequestError: 422 `invalid_idempotency_key`.
    """
    if key is not None and not _KEY.fullmatch(key):
        raise RequestError(
            "An Idempotency-Key is 1 to 128 visible ASCII characters.", status=422, code="invalid_idempotency_key"
        )


async def recall(database: asyncpg.Pool, owner_id: UUID, key: str, *, fingerprint: str) -> UUID | None:
    """The document that the key stands for; None when it is new.

    Args:
        database: of the rows.
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
        raise key_reused()
    document_id: UUID = row["document_id"]
    return document_id


def key_reused() -> RequestError:
    """The key stands for something else already."""
    return RequestError(
        "This Idempotency-Key stood for another upload: take a new one.", status=422, code="idempotency_key_reused"
    )
