"""How well documents are found: `make eval DATA=folder`, or `python -m tests.eval folder [--compare] [--limit 200]`.

Starts everything in a temporary folder, uploads the set's documents, asks its questions, and prints how good the
rankings are, which questions are refused, and the time of each stage. The folder's files: tests/eval/data.py.
"""

import argparse
import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TypeVar

from libs.config import PostgresSettings
from libs.db.pool import create_pool
from libs.llm.embeddings import OpenAIEmbedder
from libs.llm.endpoint import Endpoint
from retrieval_service.ports import Relevance
from retrieval_service.settings import RetrievalSettings
from tests.abuse.apis import ROOM
from tests.e2e.stack import running_stack
from tests.eval import report
from tests.eval.citing import citations
from tests.eval.data import EvalSet, Question, read_set, spread
from tests.eval.loading import chunk_owners, load
from tests.eval.systems import Bm25, Evidence, Ours, Rank

AT_ONCE = 4
MODEL, DIMENSIONS = "all-minilm-l6-v2", 384
FOREIGN_QUESTIONS = 1000
MANY_QUESTIONS = {"GATEWAY_GUEST_QUESTIONS_PER_MINUTE": "100000"}

T = TypeVar("T")


async def evaluate(the_set: EvalSet, foreign: Sequence[Question], *, compare: bool, answers: int) -> None:
    """Print everything there is to say."""
    settings = RetrievalSettings()
    relevance = Relevance(settings.min_score, settings.min_coverage, settings.min_score_growth)
    with tempfile.TemporaryDirectory() as folder:
        async with running_stack(**ROOM, **MANY_QUESTIONS) as stack:
            seconds = await load(stack, the_set.documents, Path(folder) / "documents")
            print(f"{the_set.name}: {len(the_set.documents)} documents searchable in {seconds:.0f} s")
            endpoint = Endpoint(api_key="none", base_url=stack.models_url)
            postgres = PostgresSettings.model_validate({"database_url": stack.database_url})
            async with endpoint, create_pool(postgres, application_name="eval") as pool:
                embedder = OpenAIEmbedder(endpoint, model=MODEL, dimensions=DIMENSIONS)
                owners = await chunk_owners(pool, the_set.documents)
                relevance = relevance._replace(chunks=len(owners))
                ours = Ours(pool, embedder, owners, relevance)
                await _ask_all(the_set, foreign, ours, relevance, compare=compare)
            if answers:
                for name, some in (("answerable", the_set.answerable), ("foreign", foreign)):
                    if asked := spread(some, answers):
                        cited = await citations(stack, asked, the_set.documents, owners, the_set.relevant)
                        report.citing(name, cited, judged=name == "answerable")


async def _ask_all(
    the_set: EvalSet, foreign: Sequence[Question], ours: Ours, relevance: Relevance, *, compare: bool
) -> None:
    answerable = the_set.answerable
    systems: dict[str, Rank] = {"ours": ours.joined}
    if any(question.earlier for question in answerable):
        systems |= {"ours, last question alone": ours.joined_raw}
    if compare:
        systems |= {"BM25 (bm25s)": Bm25(the_set.documents).rank, "dense alone": ours.dense, "words alone": ours.words}
    rankings = {name: await _each(rank, answerable) for name, rank in systems.items()}
    report.stages()
    report.quality(f"{len(answerable)} answerable questions", answerable, rankings, the_set.relevant)
    rewritten = [question for question in answerable if question.rewrite]
    if rewritten:
        kept = [question.qid in {r.qid for r in rewritten} for question in answerable]
        some = {
            name: [ranking for ranking, keep in zip(of, kept, strict=True) if keep] for name, of in rankings.items()
        }
        some["ours, rewritten by a person"] = await _each(ours.joined_rewritten, rewritten)
        report.quality(f"{len(rewritten)} of them rewritten by a person", rewritten, some, the_set.relevant)
    asked: dict[str, Sequence[Question]] = {
        "answerable": answerable,
        "unanswerable": the_set.unanswerable,
        "foreign": foreign,
    }
    evidence: dict[str, list[Evidence]] = {
        name: await _each(ours.evidence, some) for name, some in asked.items() if some
    }
    report.refusals(evidence, relevance)


async def _each(ask: Callable[[Question], Awaitable[T]], questions: Sequence[Question]) -> list[T]:
    answers: dict[int, T] = {}
    waiting = iter(enumerate(questions))

    async def hand() -> None:
        for number, question in waiting:
            answers[number] = await ask(question)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(AT_ONCE):
            tasks.create_task(hand())
    return [answers[number] for number in range(len(questions))]


def main() -> None:
    """Read the options and run."""
    parser = argparse.ArgumentParser(prog="python -m tests.eval", description=__doc__)
    parser.add_argument("data", type=Path, help="folder with docs.jsonl, queries.jsonl and qrels.jsonl")
    parser.add_argument("--compare", action="store_true", help="also BM25, dense and our words alone")
    parser.add_argument("--limit", type=int, help="ask so many answerable and so many unanswerable questions")
    parser.add_argument("--foreign", type=Path, help="a set about something else: its questions should be refused")
    parser.add_argument("--answers", type=int, default=100, help="so many questions are also answered, and cited")
    options = parser.parse_args()
    the_set = read_set(options.data, limit=options.limit)
    foreign = spread(read_set(options.foreign).questions, FOREIGN_QUESTIONS) if options.foreign else []
    asyncio.run(evaluate(the_set, foreign, compare=options.compare, answers=options.answers))


if __name__ == "__main__":
    main()
