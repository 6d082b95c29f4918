"""Which threshold tells foreign questions from ours: `python -m tests.bench.calibrate_retrieval`.

Reads the sample knowledge base with ingest's own parsers and splitter, embeds it with the local model, asks the
questions that come with it, and prints for each threshold how many of which kind find no passage (ADR 0011).
"""

import argparse
import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from deploy.local.models.embedding import Embedder
from deploy.local.models.minilm import TOKENIZER_PATH, MiniLm, Vectors, installed_weights
from ingest_service.chunking import chunk, token_splitter
from ingest_service.index import embedded_text
from ingest_service.parsing.child import parser_of
from ingest_service.parsing.parsed import TextBuilder
from ingest_service.parsing.sniff import sniff

KNOWLEDGE = Path(__file__).parents[2] / "deploy" / "local" / "knowledge"
SUFFIXES = {".md", ".pdf", ".docx"}
NOT_KNOWLEDGE = "sources"
CHUNK_TOKENS = 200
TOP_K = 8


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
    """What the model says of one question.

    Attributes:
        best: the highest cosine similarity of any chunk.
        right: the highest of a chunk of the article that answers it, if that is among the `TOP_K`.
    """

    question: Question
    best: float
    right: float | None


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


def measure(questions: Sequence[Question], asked: Vectors, rows: Sequence[Row], known: Vectors) -> list[Measured]:
    """Each question's similarities."""
    measured = []
    for question, scores in zip(questions, asked @ known.T, strict=True):
        nearest = np.argsort(-scores)[:TOP_K]
        right = [float(scores[n]) for n in nearest if rows[n].article == question.article]
        measured.append(Measured(question, float(scores.max()), max(right, default=None)))
    return measured


def report(measured: Sequence[Measured]) -> None:
    """The table of the ADR."""
    answerable = [m for m in measured if m.question.article]
    foreign = [m for m in measured if not m.question.article]
    print(f"{len(answerable)} answerable, {len(foreign)} foreign questions")
    found = sum(m.right is not None for m in answerable)
    first = sum(m.right == m.best for m in answerable)
    print(f"right article first: {first}/{len(answerable)}, among the first {TOP_K} chunks: {found}/{len(answerable)}")
    print("\nmin_score  foreign refused   ours refused     right article lost")
    for hundredths in range(10, 62, 2):
        least = hundredths / 100
        refused = sum(m.best < least for m in foreign)
        wrongly = sum(m.best < least for m in answerable)
        lost = sum(m.right is not None and m.right < least for m in answerable)
        print(f"{least:9.2f}  {_share(refused, foreign)}  {_share(wrongly, answerable)}  {_share(lost, answerable)}")
    print("\nforeign questions by their best chunk")
    for m in sorted(foreign, key=lambda m: m.best):
        print(f"{m.best:9.3f}  {m.question.question}")
    print("\nanswerable questions by the best chunk of their article, lowest first")
    for m in sorted(answerable, key=lambda m: m.right or 0.0)[:12]:
        print(f"{m.right or 0.0:9.3f}  {m.question.question}")


def _share(part: int, whole: Sequence[Measured]) -> str:
    return f"{part:3}/{len(whole):<3} {part / len(whole):6.1%}"


async def main() -> None:
    """Print the table for a knowledge folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--knowledge", type=Path, default=KNOWLEDGE)
    folder: Path = parser.parse_args().knowledge
    rows = list(read_knowledge(folder))
    lines = (folder / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    questions = [msgspec.json.decode(line, type=Question) for line in lines]
    async with Embedder(MiniLm(installed_weights(), threads=2)) as embedder:
        known = (await embedder.embed([row.text for row in rows])).vectors
        asked = (await embedder.embed([question.question for question in questions])).vectors
    print(f"{len({row.article for row in rows})} articles, {len(rows)} chunks")
    report(measure(questions, asked, rows, known))


if __name__ == "__main__":
    asyncio.run(main())
