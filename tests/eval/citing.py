"""What answers cite: asked through everything, as a guest, each question with those before it in a session."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

import httpx

from deploy.local.models.extractive import NO_ANSWER
from generation_service.prompt import UNKNOWN
from retrieval_service.condense import EARLIER
from tests.e2e.people import Person, guest_of
from tests.e2e.stack import Stack
from tests.eval.data import Document, Question

AT_ONCE = 4
SAYS_SO = {UNKNOWN, NO_ANSWER}
"""What is said when no passage is found, and what the local model says when no sentence of one answers."""


@dataclass(frozen=True, slots=True)
class Cited:
    """What one answer cites.

    Attributes:
        right: for each citation, whether its document answers the question, as the set judges.
        literal: for each citation, whether its words are in the document as the set has it.
        refused: it cites nothing, and says that the documents do not answer.
    """

    right: Sequence[bool]
    literal: Sequence[bool]
    refused: bool


async def citations(
    stack: Stack,
    questions: Sequence[Question],
    documents: Sequence[Document],
    owners: Mapping[UUID, str],
    relevant: Mapping[str, Mapping[str, float]],
) -> list[Cited]:
    """One for each question, in their order.

    Args:
        stack: has the set's documents, and lets a guest ask so many questions.
        questions: which the set judges.
        documents: of the set.
        owners: which document each chunk is of.
        relevant: which documents answer which question.
    """
    texts = {document.id: _words(f"{document.title} {document.text}") for document in documents}
    waiting = iter(enumerate(questions))
    cited: dict[int, Cited] = {}
    async with httpx.AsyncClient(trust_env=False, timeout=60.0) as http:

        async def hand(person: Person) -> None:
            for number, question in waiting:
                session = uuid4().hex
                for asked in (*question.earlier[-EARLIER:], question.asked):
                    await person.ask(session, asked)
                answer = (await person.answers(session))[-1]
                pairs = [(owners[UUID(one["chunk_id"])], one["quote"]) for one in answer["citations"]]
                judged = relevant.get(question.qid, {})
                cited[number] = Cited(
                    [document in judged for document, _ in pairs],
                    [_words(quote) in texts[document] for document, quote in pairs],
                    refused=not pairs and answer["content"].strip() in SAYS_SO,
                )

        async with asyncio.TaskGroup() as tasks:
            for _ in range(AT_ONCE):
                tasks.create_task(hand(await guest_of(stack, http)))
    return [cited[number] for number in range(len(questions))]


def _words(text: str) -> str:
    # White space, list marks, headings' signs and control characters are written otherwise in a passage.
    return "".join(character for character in text if character.isalnum())
