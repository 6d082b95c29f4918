"""The sample knowledge base, searchable with the fake model's vectors."""

from uuid import uuid4

import asyncpg

from deploy.local.state import ROOT
from libs.vectors.pgvector import PgVectorStore
from tests.fakes.openai_server import embedding

DIMENSIONS = 384
COLLECTION = "public"
_LEAST_CHARACTERS = 200


async def fill(pool: asyncpg.Pool) -> int:
    """How many passages can be found: the paragraphs of the help centre's articles, a few at a time."""
    store = PgVectorStore(pool, dimensions=DIMENSIONS)
    passages = 0
    for path in sorted((ROOT / "deploy/local/knowledge").glob("*/*.md")):
        document_id = uuid4()
        await pool.execute(
            "INSERT INTO documents (document_id, owner_id, collection, file_name, title, title_given, latest_version)"
            " VALUES ($1, $1, $2, $3, $3, true, 1)",
            document_id,
            COLLECTION,
            path.name,
        )
        await pool.execute(
            "INSERT INTO document_versions (document_id, version, sha256, size_bytes, media_type, blob_key, status)"
            " VALUES ($1, 1, '', 0, 'text/markdown', '', 'searchable')",
            document_id,
        )
        texts = _cut(path.read_text())
        ids = [uuid4() for _ in texts]
        await pool.executemany(
            "INSERT INTO chunks (chunk_id, document_id, version, ordinal, collection, language, text, heading,"
            " start_char, end_char) VALUES ($1, $2, 1, $3, $4, 'english', $5, '{}', 0, $6)",
            [(ids[n], document_id, n, COLLECTION, text, len(text)) for n, text in enumerate(texts)],
        )
        await store.upsert(
            COLLECTION, [(ids[n], document_id, embedding(text, DIMENSIONS)) for n, text in enumerate(texts)]
        )
        await pool.execute("UPDATE documents SET current_version = 1 WHERE document_id = $1", document_id)
        passages += len(texts)
    await pool.execute("INSERT INTO knowledge_versions VALUES ($1, 1)", COLLECTION)
    await pool.execute("ANALYZE")
    return passages


def _cut(article: str) -> list[str]:
    texts = [""]
    for paragraph in article.split("\n\n"):
        if len(texts[-1]) >= _LEAST_CHARACTERS:
            texts.append("")
        texts[-1] += f"{paragraph}\n"
    return texts
