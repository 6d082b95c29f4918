"""Passages whose words are those of the query, by PostgreSQL's full text search (ADR 0026)."""

from collections.abc import Sequence

import asyncpg

from libs.db.errors import translated
from retrieval_service.ports import Match, Query

# BM25, its candidates and its plans: ingest_service/migrations/0010_kept_plans.sql and 0013_frequent_words.sql.
_SEARCH = """
    SELECT chunk_id, score, coverage FROM lexical_search_v3($1, $2, $3, $4) ORDER BY score DESC, chunk_id LIMIT $4
"""


class PostgresWords:
    """The lexemes beside the passages, whatever store holds the vectors.

    Args:
        pool: the caller's to close.
    """

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def search(self, query: Query, *, collections: Sequence[str], top_k: int) -> list[Match]:
        """The `top_k` chunks of these collections that say most in the query's words, best first; fewer if fewer do.

        Raises:
            TransientError: the database does not answer.
        """
        # No text can hold a NUL, so none is looked for.
        texts = [text.replace("\0", " ") for text, _ in query]
        shares = [share for _, share in query]
        with translated():
            rows = await self._pool.fetch(_SEARCH, texts, shares, collections, top_k)
        return [Match(*row) for row in rows]
