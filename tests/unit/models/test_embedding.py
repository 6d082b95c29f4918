"""One thread embeds for everybody, in small batches that take turns."""

import asyncio
import threading
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.local.models.embedding import BATCH_ROWS, BATCH_TOKENS, Embedder, batches_of
from deploy.local.models.minilm import DIMENSIONS, MAX_TOKENS, MiniLm
from deploy.local.models.ports import Vectors


class GatedModel:
    """A twin whose runs wait for `gate`; a text of `n` characters has `n` tokens, and its vector says so."""

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.runs: list[list[int]] = []
        self.running = 0
        self.most_running = 0

    def tokenize(self, texts: Sequence[str]) -> list[list[int]]:
        return [[1] * len(text) for text in texts]

    def run(self, rows: Sequence[Sequence[int]]) -> Vectors:
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        self.runs.append([len(row) for row in rows])
        self.gate.wait(10)
        self.running -= 1
        return np.array([[len(row)] * DIMENSIONS for row in rows], dtype=np.float32)


@given(st.lists(st.integers(2, MAX_TOKENS), max_size=300))
def test_batches_hold_every_text_once_and_stay_small(lengths: list[int]) -> None:
    """No batch has more tokens or rows than allowed, padding included."""
    batches = list(batches_of([[0] * length for length in lengths]))

    assert sorted(index for batch in batches for index in batch) == list(range(len(lengths)))
    for batch in batches:
        assert len(batch) <= BATCH_ROWS
        assert len(batch) * max(lengths[index] for index in batch) <= BATCH_TOKENS


async def test_vectors_come_in_the_order_of_the_texts() -> None:
    """However the batches were sorted."""
    model = GatedModel()
    model.gate.set()
    async with Embedder(model) as embedder:
        result = await embedder.embed(["a" * length for length in (200, 3, 90, 250, 1)])

    assert [vector[0] for vector in result.vectors] == [200, 3, 90, 250, 1]
    assert result.tokens == 544


async def test_no_text_needs_no_model() -> None:
    """An empty list has an empty answer."""
    async with Embedder(GatedModel()) as embedder:
        assert (await embedder.embed([])).vectors.shape == (0, DIMENSIONS)


async def test_a_question_waits_for_two_batches_at_most() -> None:
    """Three documents of twenty batches each are coming in; the question overtakes what is not running."""
    model = GatedModel()
    async with Embedder(model) as embedder, asyncio.TaskGroup() as group, asyncio.timeout(10):
        for _ in range(3):
            group.create_task(embedder.embed(["d" * 250] * 40))
        while not model.runs:
            await asyncio.sleep(0.001)
        question = group.create_task(embedder.embed(["q" * 7]))
        # It is tokenised on another thread; once it stands in line the model may go on.
        while embedder.waiting < 4:
            await asyncio.sleep(0.001)
        model.gate.set()
        await question
        ran = model.runs.index([7])

    assert ran <= 2
    assert model.most_running == 1
    assert len(model.runs) == 61


async def test_a_caller_who_leaves_leaves_the_line() -> None:
    """A cancelled document runs no further batch, and the next request is served."""
    model = GatedModel()
    async with Embedder(model) as embedder, asyncio.timeout(10):
        document = asyncio.create_task(embedder.embed(["d" * 250] * 40))
        while not model.runs:
            await asyncio.sleep(0.001)
        document.cancel()
        with pytest.raises(asyncio.CancelledError):
            await document
        model.gate.set()
        await embedder.embed(["q"])

    assert model.runs == [[250, 250], [1]]


async def test_paraphrases_are_nearer_than_anything_else(minilm: MiniLm) -> None:
    """By a wide margin, with the real model."""
    pairs = [
        ("How do I close my account?", "What must I do to shut down my account?"),
        ("My card was stolen.", "Somebody took my bank card."),
        ("How long does an international transfer take?", "When will money that I send abroad arrive?"),
        ("The app does not start.", "The application crashes when I open it."),
    ]
    async with Embedder(minilm) as embedder:
        vectors = (await embedder.embed([text for pair in pairs for text in pair])).vectors
    similarity = vectors @ vectors.T

    for index in range(0, len(pairs) * 2, 2):
        others = np.delete(similarity[index], [index, index + 1])
        assert similarity[index, index + 1] > others.max() + 0.15
