"""First questions to ask: what the documents that somebody may read have headings for."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import asyncpg

from ingest_service.readable import READABLE, reader_of
from libs.contracts.values import Principal
from libs.db.errors import translated

LATEST_DOCUMENTS = 40
"""Looked at; what came last is what people do not know yet."""
FIRST_CHUNKS = 60
"""Of a document: an answer within a second from a book of any length."""
TOPIC_CHARACTERS = (4, 80)
"""What fits on a button and says something."""

# A heading that is a question is the best of all, then the first one that says more than the title.
_SUGGEST = f"""
    WITH latest AS (
        SELECT document_id, title, current_version FROM documents
        WHERE collection IN ({READABLE}) AND current_version IS NOT NULL
        ORDER BY document_id DESC LIMIT {LATEST_DOCUMENTS}
    )
    SELECT document_id, title, topic, language FROM latest CROSS JOIN LATERAL (
        SELECT heading[cardinality(heading)] AS topic, language FROM chunks
        WHERE chunks.document_id = latest.document_id AND chunks.version = latest.current_version
          AND ordinal < {FIRST_CHUNKS} AND lower(heading[cardinality(heading)]) <> lower(title)
          AND char_length(heading[cardinality(heading)]) BETWEEN $4 AND $5
        ORDER BY heading[cardinality(heading)] LIKE '%?' DESC, ordinal LIMIT 1
    ) AS said
    WHERE char_length(title) <= $5
    ORDER BY topic LIKE '%?' DESC, document_id DESC
"""  # noqa: S608 - nothing but constants

_ASKING = {
    "english": "What does “{title}” say about “{topic}”?",
    "german": "Was steht in „{title}“ über „{topic}“?",
    "french": "Que dit « {title} » de « {topic} » ?",
    "spanish": "¿Qué dice «{title}» sobre «{topic}»?",
    "italian": "Che cosa dice «{title}» su «{topic}»?",
    "dutch": "Wat zegt “{title}” over “{topic}”?",
}
_ANY_LANGUAGE = "{title}: {topic}?"


class Suggestion(NamedTuple):
    """A question, in its document's language, and the document that has something to say to it."""

    question: str
    document_id: UUID
    title: str


class Suggestions:
    """Makes questions of headings.

    Args:
        pool: the database of documents and chunks.
    """

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def suggest(self, principal: Principal, *, limit: int) -> Sequence[Suggestion]:
        """At most so many, each another one and of another document; none when nothing readable has a heading."""
        with translated():
            rows = await self._pool.fetch(_SUGGEST, *reader_of(principal), *TOPIC_CHARACTERS)
        found: dict[str, Suggestion] = {}
        for row in rows:
            question = question_about(row["title"], row["topic"], row["language"])
            found.setdefault(question, Suggestion(question, row["document_id"], row["title"]))
        return list(found.values())[:limit]


def question_about(title: str, topic: str, language: str) -> str:
    """The heading itself when it is a question, else one about it.

    Args:
        title: of the document.
        topic: its heading.
        language: PostgreSQL's name of the language that the document is written in.
    """
    if topic.endswith("?"):
        return topic
    return _ASKING.get(language, _ANY_LANGUAGE).format(title=title, topic=topic)
