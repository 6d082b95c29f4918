"""What the extractive model remembers, and how a stream ends."""

import json
from collections.abc import AsyncGenerator, Sequence

import numpy as np

from deploy.local.models.chat_stream import server_sent_events
from deploy.local.models.embedding import Embedder
from deploy.local.models.extractive import NO_ANSWER, ExtractiveModel
from deploy.local.models.minilm import DIMENSIONS
from deploy.local.models.ports import Json, Vectors


class WordModel:
    """A twin whose vectors are bags of letters; it counts what it embeds."""

    def __init__(self) -> None:
        self.embedded: list[str] = []

    def tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        self.embedded += texts
        return [[ord(letter) % DIMENSIONS for letter in text.lower()] for text in texts]

    def run(self, rows: Sequence[Sequence[int]]) -> Vectors:
        vectors = np.array([np.bincount(row, minlength=DIMENSIONS) for row in rows], dtype=np.float32)
        return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(text.split()) for text in texts]


def a_chat(question: str, *passages: str) -> Json:
    blocks = "".join(f'<passage n="{n}" title="T">{text}</passage>' for n, text in enumerate(passages, 1))
    return {"messages": [{"role": "system", "content": blocks}, {"role": "user", "content": question}], "model": "m"}


async def asked(model: WordModel, embedder: ExtractiveModel, question: str, *passages: str) -> list[str]:
    """What is embedded for this question."""
    model.embedded.clear()
    await embedder.complete(a_chat(question, *passages))
    return sorted(model.embedded)


async def test_sentences_are_embedded_once() -> None:
    """Passages recur from question to question; the question itself is not kept."""
    model = WordModel()
    async with Embedder(model) as embedder:
        extractive = ExtractiveModel(embedder, model, cached_sentences=10)

        first = await asked(model, extractive, "Q1", "One two. Three four.", "One two.")
        second = await asked(model, extractive, "Q2", "Three four. Five six.")

    assert first == ["Q1", "T: One two.", "T: Three four."]
    assert second == ["Q2", "T: Five six."]


async def test_only_so_many_sentences_are_kept() -> None:
    """The one that was not used for the longest time goes first; even a question with more is answered."""
    model = WordModel()
    async with Embedder(model) as embedder:
        extractive = ExtractiveModel(embedder, model, cached_sentences=2)
        await asked(model, extractive, "Q", "Aa. Bb. Cc.")

        again = await asked(model, extractive, "Q", "Bb. Cc.")
        third = await asked(model, extractive, "Q", "Aa.")

    assert again == ["Q"]
    assert third == ["Q", "T: Aa."]


async def test_a_follow_up_is_answered_with_what_was_asked_before() -> None:
    """The question alone is near nothing; with the one before it, the sentence about both is found."""
    model = WordModel()
    alone = a_chat("mm?", "aaaa bbbb.", "zzzz yyyy.")
    after = {**alone, "messages": [*alone["messages"]]}
    after["messages"].insert(1, {"role": "user", "content": "zzzz yyyy"})
    async with Embedder(model) as embedder:
        extractive = ExtractiveModel(embedder, model, cached_sentences=10)
        answers = [await extractive.complete(body) for body in (alone, after)]

    assert [answer["choices"][0]["message"]["content"] for answer in answers] == [NO_ANSWER, "zzzz yyyy. [2]"]


async def test_a_question_of_nothing_gets_no_answer() -> None:
    """Nothing is embedded for it."""
    model = WordModel()
    async with Embedder(model) as embedder:
        extractive = ExtractiveModel(embedder, model, cached_sentences=10)
        answer = await extractive.complete(a_chat("   ", "One two."))

    assert answer["choices"][0]["message"]["content"] == NO_ANSWER
    assert model.embedded == []


async def test_a_stream_that_breaks_off_ends_with_an_error() -> None:
    """The reader learns that the answer is not whole: there is no `[DONE]`."""

    async def broken() -> AsyncGenerator[Json]:
        yield {"n": 2}
        raise RuntimeError("secret")

    events = [event async for event in server_sent_events({"n": 1}, broken())]

    assert events[:2] == [b'data: {"n":1}\n\n', b'data: {"n":2}\n\n']
    assert json.loads(events[2].removeprefix(b"data: "))["error"]["type"] == "server_error"
    assert b"secret" not in events[2]
    assert len(events) == 3


async def test_a_reader_who_leaves_ends_the_answer() -> None:
    """What writes it is closed with the response."""
    closed: list[bool] = []

    async def endless() -> AsyncGenerator[Json]:
        try:
            while True:
                yield {}
        finally:
            closed.append(True)

    chunks = endless()
    events = server_sent_events(await anext(chunks), chunks)
    await anext(events)
    await events.aclose()

    assert closed == [True]
