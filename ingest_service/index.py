"""One document version: parse, cut, embed, store its vectors, and swap it in as a whole."""

import asyncio
import contextlib
import hashlib
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from uuid import UUID, uuid5

import structlog

from ingest_service.chunking import Chunk
from ingest_service.language import language_of
from ingest_service.leftovers import Removal
from ingest_service.metrics import CHUNKS, KEPT, STAGE_SECONDS, VERSIONS
from ingest_service.outlook import Outlook, Upcoming
from ingest_service.parsing.parsed import UnreadableError
from ingest_service.ports import Blobs, Embedder, Reader, VectorStore
from ingest_service.turns import Turns
from ingest_service.versions import Versions
from ingest_service.work import NewChunk, StoppedError, Work
from libs.contracts.events import DocumentGivenUp, DocumentUploaded
from libs.errors import PermanentError, TransientError

log = structlog.get_logger()

PREFIX_MAX_CHARACTERS = 160
"""Title and headings together, about 40 tokens: with a chunk of 200 they fit what all-MiniLM-L6-v2 sees."""

LANGUAGE_CHUNKS = 8
"""What a document's language is told from."""

TELL_SECONDS = 1.0
"""Between two words on the time left, when nothing comes back for longer."""

_AWAY = ("unavailable", "A service we need did not answer for too long. Retry it later.")
_QUARANTINED = (
    "quarantined",
    "Work on this document broke down again and again, so it was set aside. Retry it, or send it in another form.",
)
_REFUSED = ("not_indexed", "This document could not be indexed; we were told.")


@dataclass(frozen=True, slots=True)
class Batches:
    """How much is embedded at once: chunks in a request, requests under way."""

    size: int
    concurrency: int


@dataclass(frozen=True, slots=True)
class Index:
    """The use case with what it needs; `model` names what embeds, dimensions included.

    Attributes:
        embedding: what is under way in more than one request.
    """

    versions: Versions
    removal: Removal
    blobs: Blobs
    reader: Reader
    embedder: Embedder
    vectors: VectorStore
    batches: Batches
    outlook: Outlook
    turns: Turns
    model: str
    embedding: dict[Upcoming, Work] = field(default_factory=dict)

    async def __call__(self, event: DocumentUploaded, *, last_try: bool) -> None:
        """Afterwards the version is searchable, has failed with a reason, or is of no use to anybody any more.

        The version that was searchable stays so until then. Doing it again, at whatever point it broke off, ends the
        same: all ids are derived. When it has ended, its owner's next one begins.

        Args:
            event: which version.
            last_try: what would be tried again ends as a failure now.

        Raises:
            TransientError: something did not answer, and there are tries left.
        """
        work = await self.versions.begin(event.document_id, event.version, event.generation)
        if work is None:
            return
        try:
            with self.outlook.document(work.document_id, work.media_type, work.size_bytes) as upcoming:
                await self._index(work, upcoming)
        except StoppedError:
            await self._tidy(work)
            outcome = "stopped"
        except UnreadableError as error:
            outcome = await self._fail(work, error.code, error.message)
        except PermanentError:
            log.exception("a document cannot be indexed")
            outcome = await self._fail(work, *_REFUSED)
        except Exception as error:
            if not last_try:
                raise
            log.exception("gave up a document")
            outcome = await self._fail(work, *(_AWAY if isinstance(error, TransientError) else _REFUSED))
        else:
            # Its owner's next one begins with the transaction that made it searchable.
            VERSIONS.labels("searchable", work.media_type).inc()
            return
        VERSIONS.labels(outcome, work.media_type).inc()
        await self.turns.try_to_open_next(work.owner_id)

    async def give_up(self, event: DocumentGivenUp) -> None:
        """Afterwards the version is in quarantine: failed, with its bytes kept, until somebody retries it."""
        code, message = _QUARANTINED
        if await self.versions.fail(event.document_id, event.version, event.generation, code=code, message=message):
            log.error("a document is in quarantine", reason=event.failure)
            VERSIONS.labels(code, "").inc()
        await self.removal.try_to_remove_work(event.document_id, event.version, event.generation)
        await self.turns.try_to_open_next(event.owner.user_id)

    async def _index(self, work: Work, upcoming: Upcoming) -> None:
        with STAGE_SECONDS.labels("parsing").time():
            async with self.blobs.local(work.blob_key) as path:
                title, found = await self.reader.read(
                    path,
                    media_type=work.media_type,
                    size_bytes=work.size_bytes,
                    on_text=partial(self.versions.advance, work, "chunking"),
                )
        shown = work.title if work.title_given else title or work.title
        texts = [embedded_text(shown, chunk) for chunk in found]
        chunks = await self._identified(work, found, texts)
        new_ones = [(new, text) for new, text in zip(chunks, texts, strict=True) if not new.is_kept]
        self.outlook.was_read(upcoming, work.media_type, work.size_bytes, found=len(chunks), new=len(new_ones))
        with STAGE_SECONDS.labels("embedding").time():
            await self._embed(work, new_ones, upcoming)
        began = time.monotonic()
        with STAGE_SECONDS.labels("storing").time():
            swapped = await self.versions.make_searchable(work, title=title, chunks=chunks, places=self.turns.places)
        self.outlook.stored(len(chunks), time.monotonic() - began)
        await self.turns.announce_all(swapped.opened, owner_id=work.owner_id)
        CHUNKS.inc(len(chunks))
        KEPT.inc(sum(new.is_kept for new in chunks))
        log.info("document version ended", chunks=len(chunks), media_type=work.media_type)
        if swapped.leftover is not None:
            await self.removal.try_to_remove(swapped.leftover)

    async def _identified(self, work: Work, found: Sequence[Chunk], texts: Sequence[str]) -> list[NewChunk]:
        """The chunks with their ids: what the searchable version has too keeps its id, and so its vector."""
        hashes = [content_hash(self.model, text) for text in texts]
        kept = await self.versions.kept(work, hashes)
        language = language_of("\n".join(chunk.text for chunk in found[:LANGUAGE_CHUNKS]))
        chunks = []
        for ordinal, (chunk, digest, text) in enumerate(zip(found, hashes, texts, strict=True)):
            ids = kept.get(digest)
            is_kept = bool(ids)
            id_ = ids.pop() if ids else chunk_id(work, ordinal)
            chunks.append(NewChunk(id_, chunk, digest, is_kept, text.removesuffix(chunk.text).rstrip(), language))
        return chunks

    async def _embed(self, work: Work, chunks: Sequence[tuple[NewChunk, str]], upcoming: Upcoming) -> None:
        size = self.batches.size
        await self.versions.plan(work, [new.chunk_id for new, _ in chunks])

        async def embed(batch: Sequence[tuple[NewChunk, str]]) -> None:
            request = self.outlook.goes_out(upcoming, len(batch))
            vectors = await self.embedder.embed([text for _, text in batch])
            items = [(new.chunk_id, work.document_id, vector) for (new, _), vector in zip(batch, vectors, strict=True)]
            await self.vectors.upsert(work.collection, items)
            self.outlook.came_back(upcoming, request)
            if upcoming.left:
                # The last one's progress is the end of the work.
                await self._tell(work, upcoming)

        batches = [chunks[start : start + size] for start in range(0, len(chunks), size)]
        if len(batches) <= 1:
            # As with most documents: tasks of their own would do nothing but cost.
            for batch in batches:
                await embed(batch)
            return
        self.embedding[upcoming] = work
        try:
            await _bounded([partial(embed, batch) for batch in batches], at_once=self.batches.concurrency)
        finally:
            del self.embedding[upcoming]

    async def tell_all(self) -> None:
        """Note the time left of all that is being embedded: it changes with what others do, too."""
        if self.embedding:
            self.outlook.heard(await self.versions.backlog())
        for upcoming, work in list(self.embedding.items()):
            # If nobody waits for it any more, its next request finds out.
            with contextlib.suppress(StoppedError):
                await self._tell(work, upcoming)

    async def _tell(self, work: Work, upcoming: Upcoming) -> None:
        left = self.outlook.seconds_left(upcoming)
        await self.versions.advance(work, "embedding", done=upcoming.done, total=upcoming.total, seconds_left=left)

    async def _fail(self, work: Work, code: str, message: str) -> str:
        log.info("document version failed", code=code, media_type=work.media_type)
        await self.versions.fail(work.document_id, work.version, work.generation, code=code, message=message)
        await self._tidy(work)
        return code

    async def _tidy(self, work: Work) -> None:
        await self.removal.try_to_remove_work(work.document_id, work.version, work.generation)


def chunk_id(work: Work, ordinal: int) -> UUID:
    """The same whenever the bus tries again; another one when the owner does, so that no vector meets its collector."""
    return uuid5(work.document_id, f"{work.version}/{work.generation}/{ordinal}")


def content_hash(model: str, text: str) -> bytes:
    """The same vector comes of it."""
    return hashlib.sha256(f"{model}\n{text}".encode()).digest()


def embedded_text(title: str, chunk: Chunk) -> str:
    """What is embedded for a chunk: its text, after the title and headings that say what it is about."""
    above = [title, *(name for name in chunk.heading if name != title and not chunk.text.startswith(name))]
    if chunk.more is not None and chunk.more.sheet:
        above.append(chunk.more.sheet)
    header = "" if chunk.more is None else chunk.more.table_header
    lines = [
        " > ".join(above)[:PREFIX_MAX_CHARACTERS],
        *([header[:PREFIX_MAX_CHARACTERS]] if header else []),
        chunk.text,
    ]
    return "\n".join(lines)


async def _bounded(jobs: Sequence[Callable[[], Awaitable[None]]], *, at_once: int) -> None:
    """Runs all jobs, so many at once; the first error stops the rest and is raised as itself."""
    waiting = iter(jobs)

    async def hand() -> None:
        for job in waiting:
            await job()

    try:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(min(at_once, len(jobs))):
                tasks.create_task(hand())
    except ExceptionGroup as group:
        # What to do depends on the error's family, and a group has none.
        raise group.exceptions[0] from group
