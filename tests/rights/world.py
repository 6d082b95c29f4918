"""The services around one PostgreSQL and one Valkey, called as their doors call them."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self
from uuid import UUID, uuid4

from redis.asyncio import Redis

from history_service.citations import PostgresRights
from history_service.messages import PostgresMessages
from history_service.open_turn import open_turn
from history_service.outcomes import Accepted
from history_service.past import PastLimits
from history_service.record_answer import record_answer
from history_service.turns import PostgresTurns
from libs.config import PostgresSettings
from libs.contracts.events import TurnOpened
from libs.contracts.values import Citation, Passage, Principal, ShownCitation
from libs.db.pool import create_pool
from libs.vectors.pgvector import PgVectorStore
from retrieval_service.cache import RetrievalCache
from retrieval_service.condense import fading
from retrieval_service.lexical import PostgresWords
from retrieval_service.passages import PostgresPassages
from retrieval_service.ports import Relevance
from retrieval_service.retrieve import retrieve
from retrieval_service.search import Finder
from tests.builders import a_question, an_answer
from tests.integration.ingest.builders import DIMENSIONS, HashedWords, Library

PAST_TURNS = 3
MANY = 60
"""More passages than there ever are: what is missing in an answer was withheld, not crowded out."""

RESET_SECONDS = 120.0

_TABLES = """
    SELECT string_agg(format('%I', tablename), ', ') FROM pg_tables
    WHERE schemaname = 'public' AND tablename <> 'schema_migrations'
"""


class KeptVectors(PgVectorStore):
    """No vector ever goes: what is found must not depend on a store that forgets."""

    async def delete(self, collection: str, chunk_ids: object) -> None:
        """Nothing."""

    async def delete_document(self, collection: str, document_id: UUID) -> None:
        """Nothing."""


class World:
    """What people do and see; every call goes to the database as it is at that moment.

    Args:
        database_url: of a migrated database, which is emptied.
        redis_url: of a Valkey, which is emptied.
        folder: for the documents' bytes.
        cache: makes the cache of rankings; a mutant takes another one.
        rights: makes what says which citations may be seen; likewise.
    """

    def __init__(
        self,
        database_url: str,
        redis_url: str,
        folder: Path,
        *,
        cache: Callable[..., RetrievalCache] = RetrievalCache,
        rights: Callable[..., PostgresRights] = PostgresRights,
    ) -> None:
        self._pool = create_pool(
            PostgresSettings.model_validate({"database_url": database_url}), application_name="rights"
        )
        self._redis = Redis.from_url(redis_url)
        self._folder = folder
        self._make_cache = cache
        self._rights = rights(self._pool)
        self._messages = PostgresMessages(self._pool, reader=self._pool)
        self._turns = PostgresTurns(self._pool, past=PastLimits(PAST_TURNS, 100_000))
        self._passages = PostgresPassages(self._pool)
        self._resources = AsyncExitStack()
        self._sessions: dict[UUID, UUID] = {}
        self.library: Library

    async def __aenter__(self) -> Self:
        await self._resources.enter_async_context(self._pool)
        await self._resources.enter_async_context(self._redis)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._resources.aclose()

    async def begin_anew(self) -> None:
        """Nobody has done anything yet."""
        tables = await self._pool.fetchval(_TABLES)
        async with self._pool.acquire() as connection, connection.transaction():
            # Many files go: on a busy disk that takes longer than any statement of a service may.
            await connection.execute("SET LOCAL statement_timeout = 0")
            await connection.execute(f"TRUNCATE {tables} RESTART IDENTITY CASCADE", timeout=RESET_SECONDS)
        await self._redis.flushall()
        self._sessions = {}
        self._store = KeptVectors(self._pool, dimensions=DIMENSIONS)
        self.library = Library(self._pool, self._folder, vectors=self._store)
        self._cache = self._make_cache(
            self._redis, space="s", dimensions=DIMENSIONS, vector_ttl_seconds=900, ranking_ttl_seconds=900
        )

    async def ask(self, who: Principal, question: str) -> tuple[Passage, ...]:
        """The passages that their question is answered from."""
        asked = a_question(principal=who, question=question)
        async with self._cache:  # left when all is kept
            context = await retrieve(
                TurnOpened(turn=asked.turn),
                condense=fading,
                finder=Finder(HashedWords(), self._store, PostgresWords(self._pool), self._passages, self._cache),
                passages=self._passages,
                cache=self._cache,
                top_k=MANY,
                relevance=Relevance(min_score=-1, min_coverage=0),
            )
        return context.passages

    async def answered(self, who: Principal, text: str, passages: tuple[Passage, ...]) -> list[str]:
        """A turn of theirs is stored whose answer cites these; what the model was told of earlier answers."""
        session_id = self._sessions.setdefault(who.user_id, uuid4())
        accepted = await open_turn(a_question(principal=who, session_id=session_id), store=self._turns)
        assert isinstance(accepted, Accepted)
        assert accepted.opens is not None
        citations = [
            Citation(number=number, quote=passage.text, **passage.model_dump(exclude={"text", "score"}))
            for number, passage in enumerate(passages, 1)
        ]
        await record_answer(an_answer(text, turn=accepted.turn, citations=citations), store=self._turns)
        return [past.text for past in accepted.opens.history if past.role == "assistant"]

    async def history(self, who: Principal) -> list[tuple[ShownCitation, ...]]:
        """What each of their answers shows of what it cites, oldest first."""
        session_id = self._sessions.get(who.user_id)
        if session_id is None:
            return []
        rows = await self._messages.list(session_id, who.user_id, order="oldest", after=None, limit=1000)
        shown = await self._rights.shown(rows or (), who)
        return [shown.get(row["message_id"], ()) for row in rows or () if row["role"] == "assistant"]
