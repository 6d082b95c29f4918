"""One document version: parse, cut, embed, store its vectors, and swap it in as a whole."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from uuid import UUID, uuid5

import structlog

from ingest_service.chunking import Chunk
from ingest_service.leftovers import Removal
from ingest_service.metrics import CHUNKS, STAGE_SECONDS, VERSIONS
from ingest_service.parsing.parsed import UnreadableError
from ingest_service.ports import Blobs, Embedder, Reader, VectorStore
from ingest_service.versions import NewChunk, StoppedError, Versions, Work
from libs.contracts.events import DocumentUploaded
from libs.contracts.values import PUBLIC_COLLECTION, own_collection
from libs.errors import PermanentError, TransientError

log = structlog.get_logger()

PREFIX_MAX_CHARACTERS = 160
"""Title and headings together, about 40 tokens: with a chunk of 200 they fit what all-MiniLM-L6-v2 sees."""

_AWAY = ("unavailable", "A service we need did not answer for too long. Upload the document again later.")
_REFUSED = ("not_indexed", "This document could not be indexed; we were told.")


@dataclass(frozen=True, slots=True)
class Batches:
    """How much is embedded at once: chunks in a request, requests under way."""

    size: int
    concurrency: int


@dataclass(frozen=True, slots=True)
class Index:
    """The use case with what it needs."""

    versions: Versions
    removal: Removal
    blobs: Blobs
    reader: Reader
    embedder: Embedder
    vectors: VectorStore
    batches: Batches

    async def __call__(self, event: DocumentUploaded, *, last_try: bool) -> None:
        """Afterwards the version is searchable, has failed with a reason, or is of no use to anybody any more.

        The version that was searchable stays so until then. Doing it again, at whatever point it broke off, ends the
        same: all ids are derived.

        Args:
            event: which version.
            last_try: what would be tried again ends as a failure now.

        Raises:
            TransientError: something did not answer, and there are tries left.
        """
        work = await self.versions.begin(event.document_id, event.version)
        if work is None:
            await self._tidy(event)
            return
        try:
            await self._index(work)
            outcome = "searchable"
        except StoppedError:
            await self._tidy(event)
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
        VERSIONS.labels(outcome, work.media_type).inc()

    async def _index(self, work: Work) -> None:
        with STAGE_SECONDS.labels("parsing").time():
            async with self.blobs.local(work.blob_key) as path:
                title, found = await self.reader.read(
                    path, media_type=work.media_type, on_text=partial(self.versions.advance, work, "chunking")
                )
        shown = work.title if work.title_given else title or work.title
        chunks = [NewChunk(chunk_id(work, ordinal), chunk) for ordinal, chunk in enumerate(found)]
        with STAGE_SECONDS.labels("embedding").time():
            await self._embed(work, shown, chunks)
        with STAGE_SECONDS.labels("storing").time():
            leftover = await self.versions.make_searchable(work, title=title, chunks=chunks)
        CHUNKS.inc(len(chunks))
        log.info("document version ended", chunks=len(chunks), media_type=work.media_type)
        if leftover is not None:
            await self.removal.try_to_remove(leftover)

    async def _embed(self, work: Work, title: str, chunks: Sequence[NewChunk]) -> None:
        size = self.batches.size
        done = 0
        await self.versions.advance(work, "embedding", total=len(chunks))

        async def embed(batch: Sequence[NewChunk]) -> None:
            nonlocal done
            vectors = await self.embedder.embed([embedded_text(title, chunk) for _, chunk in batch])
            items = [(new.chunk_id, work.document_id, vector) for new, vector in zip(batch, vectors, strict=True)]
            await self.vectors.upsert(work.collection, items)
            done += len(batch)
            await self.versions.advance(work, "embedding", done=done, total=len(chunks))

        batches = [chunks[start : start + size] for start in range(0, len(chunks), size)]
        await _bounded([partial(embed, batch) for batch in batches], at_once=self.batches.concurrency)

    async def _fail(self, work: Work, code: str, message: str) -> str:
        log.info("document version failed", code=code, media_type=work.media_type)
        await self.versions.fail(work.document_id, work.version, code=code, message=message)
        return code

    async def _tidy(self, event: DocumentUploaded) -> None:
        """A deleted document's vectors may have been written after its deletion removed them."""
        if not await self.versions.exists(event.document_id):
            # An event of an older release does not say; there were only these two then.
            collections = [event.collection or own_collection(event.owner.user_id)]
            if not event.collection:
                collections.append(PUBLIC_COLLECTION)
            await self.removal.remove_vectors(collections, event.document_id)


def chunk_id(work: Work, ordinal: int) -> UUID:
    """The same for every try at this version."""
    return uuid5(work.document_id, f"{work.version}/{ordinal}")


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
