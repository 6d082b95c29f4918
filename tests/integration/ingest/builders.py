"""Documents, stores and callers for the tests of ingest."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from uuid import UUID

import asyncpg

from ingest_service.chunking import Chunk
from ingest_service.clearing import Clearing
from ingest_service.collections import Collections
from ingest_service.direct import DirectUploads
from ingest_service.direct_api import FORM_PATH
from ingest_service.documents import Documents
from ingest_service.granted import GrantedUploads
from ingest_service.index import Batches, Index
from ingest_service.leftovers import Removal
from ingest_service.outlook import Outlook
from ingest_service.ports import Embedder, Reader, VectorStore
from ingest_service.receive import Received
from ingest_service.rights import Roles
from ingest_service.steer import Steering
from ingest_service.stored import Document
from ingest_service.swap import PIECE
from ingest_service.turns import Turns
from ingest_service.upload import Upload
from ingest_service.versions import Versions
from libs.blobs.disk import DiskBlobs
from libs.blobs.incoming import DiskIncoming
from libs.contracts.events import DocumentUploaded, Event
from libs.contracts.values import Principal
from libs.errors import PermanentError, TransientError
from libs.llm.pacing import Limit
from libs.vectors.pgvector import PgVectorStore
from tests.builders import a_principal
from tests.fakes.openai_server import embedding

DIMENSIONS = 32
MAX_BYTES = 80_000_000


def an_editor() -> Principal:
    return a_principal(groups=("editors",))


class HashedWords:
    """An embedder: texts that share words are near each other. Fails the calls it is told to; None is a success."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.failures: list[Exception | None] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def embed(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        await self.gate.wait()
        if self.failures and (failure := self.failures.pop(0)) is not None:
            raise failure
        self.texts += texts
        return [embedding(text, DIMENSIONS) for text in texts]


class ParagraphReader:
    """A reader in this process: one chunk a paragraph; the file's text decides what goes wrong."""

    async def read(
        self, path: Path, *, media_type: str, size_bytes: int, on_text: Callable[[], Awaitable[None]]
    ) -> tuple[str | None, list[Chunk]]:
        text = path.read_text()
        await on_text()
        chunks, start = [], 0
        for paragraph in text.split("\n\n"):
            chunks.append(Chunk(paragraph, start, start + len(paragraph), None, ()))
            start += len(paragraph) + 2
        return None, chunks


class BrokenVectors:
    """A vector store that is away."""

    async def upsert(self, collection: str, items: Sequence[tuple[UUID, UUID, Sequence[float]]]) -> None:
        raise TransientError("away")

    async def delete(self, collection: str, chunk_ids: Sequence[UUID]) -> None:
        raise TransientError("away")

    async def delete_document(self, collection: str, document_id: UUID) -> None:
        raise TransientError("away")


class Library:
    """Everything of ingest around one database and one folder, and what it published."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        folder: Path,
        *,
        reader: Reader | None = None,
        embedder: Embedder | None = None,
        vectors: VectorStore | None = None,
        batch: int = 2,
        places: int = 100,
        piece: int = PIECE,
    ) -> None:
        self.pool = pool
        self.folder = folder
        self.published: list[DocumentUploaded] = []
        self.redis_is_away = False
        self.blobs = DiskBlobs(folder / "blobs")
        self.vectors = vectors or PgVectorStore(pool, dimensions=DIMENSIONS)
        self.roles = Roles()
        self.documents = Documents(pool, roles=self.roles, places=places)
        self.versions = Versions(pool, piece=piece)
        self.removal = Removal(pool, self.vectors, self.blobs)
        self.collections = Collections(pool, roles=self.roles)
        self.clearing = Clearing(pool, self.removal)
        self.turns = Turns(pool, self.publish, places=places)
        self.steering = Steering(pool, roles=self.roles, turns=self.turns)
        self.upload = Upload(self.documents, self.blobs, self.turns)
        self.incoming = DiskIncoming(folder / "blobs", form_url=FORM_PATH)
        self.granted = GrantedUploads(pool)
        self.direct = DirectUploads(self.documents, self.granted, self.incoming, self.upload, MAX_BYTES)
        self.embedder = embedder or HashedWords()
        self.limit = Limit(0.0, None, 16, 0.0, 0.0, None, 0.0)
        self.index = Index(
            outlook=Outlook(size=2, at_once=2, limit=lambda: self.limit),
            versions=self.versions,
            removal=self.removal,
            blobs=self.blobs,
            reader=reader or ParagraphReader(),
            embedder=self.embedder,
            vectors=self.vectors,
            batches=Batches(batch, 2),
            turns=self.turns,
            model="hashed words",
        )

    async def publish(self, event: Event) -> None:
        if self.redis_is_away:
            raise TransientError("Redis does not answer")
        assert isinstance(event, DocumentUploaded)
        self.published.append(event)

    async def add(
        self,
        content: str | bytes,
        *,
        by: Principal,
        name: str = "notes.txt",
        key: str | None = None,
        **fields: str,
    ) -> Document:
        """Upload it, as the API would."""
        raw = content.encode() if isinstance(content, str) else content
        received = Received(raw, name, len(raw), hashlib.sha256(raw).hexdigest(), fields)
        document = await self.upload(received, principal=by, idempotency_key=key)
        await self.turns.note_published()
        return document

    async def index_all(self, *, last_try: bool = False) -> None:
        """Work on what was published, in its order."""
        while self.published:
            await self.index(self.published.pop(0), last_try=last_try)

    async def search(self, collection: str) -> list[str]:
        """What retrieval could find, in order."""
        rows = await self.pool.fetch(
            "SELECT text FROM searchable_chunks_v1 WHERE collection = $1 ORDER BY document_id, start_char", collection
        )
        return [row["text"] for row in rows]

    async def vector_ids(self) -> set[UUID]:
        return {row["chunk_id"] for row in await self.pool.fetch("SELECT chunk_id FROM chunk_vectors")}

    async def chunk_ids(self) -> set[UUID]:
        return {row["chunk_id"] for row in await self.pool.fetch("SELECT chunk_id FROM chunks")}

    async def knowledge_version(self, collection: str) -> int:
        found = await self.pool.fetchval("SELECT version FROM knowledge_versions WHERE collection = $1", collection)
        return int(found or 0)

    def blob_files(self) -> list[Path]:
        return [path for path in (self.folder / "blobs").rglob("*") if path.is_file()]


REFUSED = PermanentError("the model refuses these texts")
AWAY = TransientError("the model endpoint cannot be reached")
