"""A set to measure finding with: documents, questions, and which document answers which question.

A folder holds `docs.jsonl` {id, title, text}, `queries.jsonl` and `qrels.jsonl` {qid, doc, rel}: UTF-8, one object a
line. A question is `text`; in a conversation it is `lastturn` (as it was asked) with `questions` (all that was asked,
a line each) and `rewrite` (what a person made of it). `impossible` says that no document answers it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

T = TypeVar("T")


class Document(msgspec.Struct, frozen=True):
    """One line of `docs.jsonl`."""

    id: str
    text: str
    title: str = ""


class Question(msgspec.Struct, frozen=True):
    """One line of `queries.jsonl`."""

    qid: str
    text: str = ""
    lastturn: str = ""
    questions: str = ""
    rewrite: str | None = None
    impossible: bool = False

    @property
    def asked(self) -> str:
        """As it was asked."""
        return (self.text or self.lastturn).strip()

    @property
    def earlier(self) -> tuple[str, ...]:
        """What was asked before it, oldest first."""
        return tuple(line.strip() for line in self.questions.split("\n")[:-1] if line.strip())


class Judgement(msgspec.Struct, frozen=True):
    """One line of `qrels.jsonl`."""

    qid: str
    doc: str
    rel: float


@dataclass(frozen=True)
class EvalSet:
    """A set in memory.

    Attributes:
        relevant: for each question the documents that answer it, with their weight.
    """

    name: str
    documents: Sequence[Document]
    questions: Sequence[Question]
    relevant: dict[str, dict[str, float]]

    @property
    def answerable(self) -> list[Question]:
        """Questions that a document answers."""
        return [question for question in self.questions if question.qid in self.relevant]

    @property
    def unanswerable(self) -> list[Question]:
        """Questions of which the set says that none does."""
        return [question for question in self.questions if question.impossible]


def read_set(folder: Path, *, limit: int | None = None) -> EvalSet:
    """The set of a folder; with a limit, so many answerable and so many unanswerable questions, evenly spread.

    Raises:
        SystemExit: a file is missing or a line is not what it should be; the message says which.
    """
    documents = list(_read(folder / "docs.jsonl", Document))
    relevant: dict[str, dict[str, float]] = {}
    for judgement in _read(folder / "qrels.jsonl", Judgement):
        if judgement.rel > 0:
            relevant.setdefault(judgement.qid, {})[judgement.doc] = judgement.rel
    questions = [question for question in _read(folder / "queries.jsonl", Question) if question.asked]
    whole = EvalSet(folder.name, documents, questions, relevant)
    if limit is None:
        return whole
    return EvalSet(
        folder.name, documents, spread(whole.answerable, limit) + spread(whole.unanswerable, limit), relevant
    )


def spread(items: Sequence[T], count: int) -> list[T]:
    """So many of them at equal distances: neighbours are about the same document."""
    if len(items) <= count:
        return list(items)
    return [items[n * len(items) // count] for n in range(count)]


def _read(path: Path, kind: type[T]) -> Iterator[T]:
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except OSError as error:
        raise SystemExit(f"{path}: {error.strerror}") from error
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                yield msgspec.json.decode(line, type=kind)
            except msgspec.DecodeError as error:
                raise SystemExit(f"{path}, line {number}: {error}") from error
