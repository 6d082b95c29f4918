"""Which threshold tells foreign questions from ours: `python -m tests.bench.calibrate_retrieval`.

Reads the sample knowledge base with ingest's own parsers and splitter, embeds it with the local model, writes its words
to a PostgreSQL of its own, asks the questions that come with it, and prints for each threshold how many of which kind
find no passage (ADR 0011). With `--foreign`, an evaluation set about something else (tests/eval/data.py), it prints how
much nearer the nearest passages of its questions come the more of the folder's documents there are; so it does for any
folder, `--knowledge docs` for one.
"""

import argparse
import asyncio
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from uuid import UUID, uuid4

import asyncpg
import msgspec
import numpy as np

from deploy.local.models.embedding import Embedder
from deploy.local.models.minilm import TOKENIZER_PATH, MiniLm, Vectors, installed_weights
from ingest_service.chunking import chunk, token_splitter
from ingest_service.index import embedded_text
from ingest_service.language import language_of
from ingest_service.parsing.child import parser_of
from ingest_service.parsing.parsed import TextBuilder
from ingest_service.parsing.sniff import sniff
from libs.config import PostgresSettings
from libs.db.pool import create_pool
from retrieval_service.fusion import evidence, fuse
from retrieval_service.lexical import PostgresWords
from retrieval_service.search import DEPTH
from retrieval_service.settings import RetrievalSettings
from tests.bench.retrieval import servers
from tests.eval.data import read_set, spread

KNOWLEDGE = Path(__file__).parents[2] / "deploy" / "local" / "knowledge"
SUFFIXES = {".md", ".pdf", ".docx"}
NOT_KNOWLEDGE = "sources"
CHUNK_TOKENS = 200
TOP_K = RetrievalSettings().top_k
ENOUGH = RetrievalSettings().min_coverage
COLLECTION = "public"
PARTS = (8, 4, 2, 1)
DRAWS = 4
FOREIGN_QUESTIONS = 1000


class Question(msgspec.Struct):
    """One line of `questions.jsonl`; no article can answer it when `article` is null."""

    question: str
    article: str | None


class Row(NamedTuple):
    """One chunk."""

    article: str
    text: str


@dataclass(frozen=True)
class Measured:
    """What the searches say of one question.

    Attributes:
        best: the most that speaks for any chunk.
        coverage: the most of the question's words that a chunk says.
        right: the most that speaks for a chunk of the article that answers it, if one is among the `TOP_K`.
        articles: the most that speaks for a chunk of each article.
    """

    question: Question
    best: float
    coverage: float
    right: float | None
    articles: Mapping[str, float]


def read_knowledge(folder: Path) -> Iterator[Row]:
    """The chunks of every article, as they are embedded."""
    splitter = token_splitter(CHUNK_TOKENS, tokenizer_file=TOKENIZER_PATH, model="")
    for path in sorted(path for path in folder.rglob("*") if path.suffix in SUFFIXES):
        name = path.relative_to(folder)
        if name.parts[0] == NOT_KNOWLEDGE:
            continue
        text = TextBuilder(max_characters=1_000_000)
        parser_of(sniff(path, path.name)).parse(path, text)
        parsed = text.finished()
        for piece in chunk(parsed, splitter):
            yield Row(str(name), embedded_text(parsed.title or path.stem, piece))


async def measure(
    questions: Sequence[Question], asked: Vectors, rows: Sequence[Row], known: Vectors, database_url: str
) -> list[Measured]:
    """What speaks for each question's chunks, searched as deep as is delivered."""
    settings = PostgresSettings.model_validate({"database_url": database_url})
    async with create_pool(settings, application_name="calibrate") as pool:
        chunk_ids = await _write(pool, rows)
        words = PostgresWords(pool)
        place = {chunk_id: n for n, chunk_id in enumerate(chunk_ids)}
        measured = []
        for question, cosines in zip(questions, asked @ known.T, strict=True):
            nearest = [(chunk_ids[n], float(cosines[n])) for n in np.argsort(-cosines)[: DEPTH * TOP_K]]
            matches = await words.search(((question.question, 1.0),), collections=[COLLECTION], top_k=DEPTH * TOP_K)
            candidates = fuse(nearest, matches, all_matches=len(matches) < DEPTH * TOP_K)
            right = [c for c in candidates[:TOP_K] if rows[place[c.chunk_id]].article == question.article]
            best = max(map(evidence, candidates))
            coverage = max(candidate.coverage for candidate in candidates)
            articles: dict[str, float] = {}
            for candidate in sorted(candidates, key=evidence):
                articles[rows[place[candidate.chunk_id]].article] = evidence(candidate)
            measured.append(Measured(question, best, coverage, max(map(evidence, right), default=None), articles))
    return measured


async def _write(pool: asyncpg.Pool, rows: Sequence[Row]) -> list[UUID]:
    document_id, chunk_ids = uuid4(), [uuid4() for _ in rows]
    await pool.execute(
        "INSERT INTO documents (document_id, owner_id, collection, file_name, title, title_given, latest_version)"
        " VALUES ($1, $1, $2, 'all', 'all', true, 1)",
        document_id,
        COLLECTION,
    )
    await pool.execute(
        "INSERT INTO document_versions (document_id, version, sha256, size_bytes, media_type, blob_key, status)"
        " VALUES ($1, 1, '', 0, 'text/plain', '', 'searchable')",
        document_id,
    )
    await pool.executemany(
        "INSERT INTO chunks (chunk_id, document_id, version, ordinal, collection, language, text, heading, start_char,"
        " end_char) VALUES ($1, $2, 1, $3, $4, $5, $6, '{}', 0, 1)",
        [(chunk_ids[n], document_id, n, COLLECTION, language_of(row.text), row.text) for n, row in enumerate(rows)],
    )
    return chunk_ids


def report(measured: Sequence[Measured]) -> None:
    """The table of the ADR."""
    answerable = [m for m in measured if m.question.article]
    foreign = [m for m in measured if not m.question.article]
    print(f"{len(answerable)} answerable, {len(foreign)} foreign questions")
    found = sum(m.right is not None for m in answerable)
    first = sum(m.right == m.best for m in answerable)
    print(f"right article best: {first}/{len(answerable)}, among the first {TOP_K} chunks: {found}/{len(answerable)}")
    print("\nmin_score  foreign refused   ours refused     right article lost")
    for hundredths in sorted({*range(20, 62, 2), round(100 * RetrievalSettings().min_score)}):
        least = hundredths / 100
        refused = sum(m.best < least and m.coverage < ENOUGH for m in foreign)
        wrongly = sum(m.best < least and m.coverage < ENOUGH for m in answerable)
        lost = sum(m.right is not None and m.right < least for m in answerable)
        print(f"{least:9.2f}  {_share(refused, foreign)}  {_share(wrongly, answerable)}  {_share(lost, answerable)}")
    print("\nforeign questions by their best chunk")
    for m in sorted(foreign, key=lambda m: m.best):
        print(f"{m.best:9.3f}  {m.question.question}")
    print("\nanswerable questions by the best chunk of their article, lowest first")
    for m in sorted(answerable, key=lambda m: m.right or 0.0)[:12]:
        print(f"{m.right or 0.0:9.3f}  {m.question.question}")


def report_growth(foreign: Sequence[Measured], rows: Sequence[Row]) -> None:
    """How near the nearest chunk is to nine of ten foreign questions, by how many chunks there are."""
    articles = sorted({row.article for row in rows})
    chance = random.Random(0)  # noqa: S311 - the same parts each time
    print(f"\n{len(foreign)} questions about something else\nchunks  nine of ten have nothing above")
    for part in PARTS:
        chunks, bests = 0, []
        for _ in range(DRAWS):
            some = set(chance.sample(articles, len(articles) // part))
            chunks += sum(row.article in some for row in rows)
            bests += [max((m.articles[a] for a in some & m.articles.keys()), default=0.0) for m in foreign]
        print(f"{chunks // DRAWS:6}  {np.quantile(bests, 0.9):.3f}")


def _share(part: int, whole: Sequence[Measured]) -> str:
    return f"{part:3}/{len(whole):<3} {part / len(whole):6.1%}"


async def main() -> None:
    """Print the table for a knowledge folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--knowledge", type=Path, default=KNOWLEDGE)
    parser.add_argument("--foreign", type=Path, help="an evaluation set about something else")
    options = parser.parse_args()
    folder: Path = options.knowledge
    rows = list(read_knowledge(folder))
    given = folder / "questions.jsonl"
    lines = given.read_text(encoding="utf-8").splitlines() if given.exists() else []
    questions = [msgspec.json.decode(line, type=Question) for line in lines]
    ours = len(questions)
    if options.foreign:
        some = spread(read_set(options.foreign).questions, FOREIGN_QUESTIONS)
        questions += [Question(question.asked, None) for question in some]
    async with Embedder(MiniLm(installed_weights(), threads=2)) as embedder:
        known = (await embedder.embed([row.text for row in rows])).vectors
        asked = (await embedder.embed([question.question for question in questions])).vectors
    print(f"{len({row.article for row in rows})} articles, {len(rows)} chunks")
    async with servers() as (_, database_url):
        measured = await measure(questions, asked, rows, known, database_url)
    if ours:
        report(measured[:ours])
    if options.foreign:
        report_growth(measured[ours:], rows)


if __name__ == "__main__":
    asyncio.run(main())
