"""A document as its rows have it, and what becomes a new version of one."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from ingest_service.leftovers import Leftover

FINAL = frozenset({"searchable", "failed"})
"""Statuses after which nothing happens until somebody asks for it."""


class Document(NamedTuple):
    """A document with its latest version; `current_version` is the one questions find.

    Attributes:
        seconds_left: until it is searchable, as was said with the latest progress.
        still_seconds: since then.
    """

    document_id: UUID
    owner_id: UUID
    collection: str
    file_name: str
    title: str
    current_version: int | None
    version: int
    status: str
    media_type: str
    size_bytes: int
    progress_done: int
    progress_total: int
    failure_code: str | None
    failure_message: str | None
    created_at: datetime
    updated_at: datetime
    seconds_left: float | None = None
    still_seconds: float = 0.0


class Deleted(NamedTuple):
    """What a deletion took away, and what of it the stores may still hold."""

    document_id: UUID
    owner_id: UUID
    versions: int
    passages: int
    leftover: Leftover


@dataclass(frozen=True, slots=True)
class NewVersion:
    """A file that was received, checked and hashed.

    Attributes:
        title: as the uploader gave it, if at all.
        fallback_title: shown until the content names itself.
        idempotency_key: the client's, and `fingerprint` what it stood for.
    """

    collection: str
    file_name: str
    title: str | None
    fallback_title: str
    media_type: str
    size_bytes: int
    sha256: str
    idempotency_key: str | None
    fingerprint: str
