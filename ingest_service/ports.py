"""What ingest asks of others."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol
from uuid import UUID

from ingest_service.chunking import Chunk
from libs.blobs.forms import Form, Policy
from libs.contracts.events import Event


class Embedder(Protocol):
    """Turns texts into vectors."""

    async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]: ...


class VectorStore(Protocol):
    """Holds ids and vectors; items are chunk id, document id, vector."""

    async def upsert(self, collection: str, items: Sequence[tuple[UUID, UUID, Sequence[float]]]) -> None: ...

    async def delete(self, collection: str, chunk_ids: Sequence[UUID]) -> None: ...

    async def delete_document(self, collection: str, document_id: UUID) -> None: ...


class Blobs(Protocol):
    """Holds bytes by their SHA-256."""

    async def put(self, key: str, source: Path | bytes) -> None: ...

    async def has(self, key: str) -> bool: ...

    def local(self, key: str) -> AbstractAsyncContextManager[Path]: ...

    def pieces(self, key: str, *, start: int, end: int) -> AbstractAsyncContextManager[AsyncIterator[bytes]]: ...

    async def delete(self, key: str) -> None: ...


class Incoming(Protocol):
    """Takes files straight from clients, by the name that their form says, and keeps them until somebody has looked."""

    async def form(self, name: str, *, size_bytes: int, seconds: float) -> Form: ...

    def incoming(self, name: str) -> AbstractAsyncContextManager[Path | None]: ...

    async def discard(self, name: str) -> None: ...


class Forms(Protocol):
    """Takes the files itself that come with its forms."""

    async def admitted(self, fields: Mapping[str, str]) -> Policy: ...

    async def keep(self, name: str, content: Path | bytes) -> None: ...


class Reader(Protocol):
    """Reads a file: the title it gives itself, and its chunks; `on_text` is called when cutting them takes a while."""

    async def read(
        self, path: Path, *, media_type: str, size_bytes: int, on_text: Callable[[], Awaitable[None]]
    ) -> tuple[str | None, list[Chunk]]: ...


Publish = Callable[[Event], Awaitable[None]]


class Limit(Protocol):
    """What an endpoint allows, by what it says and by its refusals."""

    @property
    def refused_from(self) -> float:
        """Since when it puts requests off."""

    @property
    def refused_at(self) -> float | None:
        """When it put a request off last; None when that is long ago."""

    @property
    def at_once(self) -> int:
        """Requests that go out at once."""

    @property
    def answer_seconds(self) -> float:
        """That the latest answer took from when it was asked for."""

    @property
    def not_before(self) -> float:
        """Nothing goes out until then."""

    @property
    def texts_per_second(self) -> float | None:
        """That it says it allows; None when it says nothing."""

    @property
    def texts_now(self) -> float:
        """That it says it would take at once."""
