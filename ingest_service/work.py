"""A version that is being worked on, and the chunks that it is to have."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from ingest_service.chunking import Chunk
from ingest_service.language import UNKNOWN


class Work(NamedTuple):
    """A version to be made searchable.

    Attributes:
        generation: which try of its owner's at the version this is.
        title: of the document so far; `title_given` says that its content may not change it.
        current_version: what questions found when the work began.
    """

    document_id: UUID
    version: int
    generation: int
    owner_id: UUID
    collection: str
    title: str
    title_given: bool
    current_version: int | None
    media_type: str
    size_bytes: int
    blob_key: str


class NewChunk(NamedTuple):
    """A chunk with the id it will have.

    Attributes:
        content_hash: of the model and of what it is given for this chunk.
        is_kept: it has its id, and its vector, from the version that questions find now.
        context: what stands above it: its words are found as the text's are.
        language: of the document, by PostgreSQL's name for it.
    """

    chunk_id: UUID
    chunk: Chunk
    content_hash: bytes
    is_kept: bool = False
    context: str = ""
    language: str = UNKNOWN


class Queued(NamedTuple):
    """Versions of a format that no worker has begun; `size_bytes` of all together."""

    media_type: str
    documents: int
    size_bytes: int


class Begun(NamedTuple):
    """A version that a worker is on; `total` is None while it is read."""

    document_id: UUID
    media_type: str
    size_bytes: int
    done: int
    total: int | None


class Backlog(NamedTuple):
    """What is before all workers together."""

    queued: Sequence[Queued] = ()
    begun: Sequence[Begun] = ()


class StoppedError(Exception):
    """The version was deleted or finished by someone else: the work on it is pointless."""
