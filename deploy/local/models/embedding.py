"""One thread that embeds for everybody, so that a question never waits for a whole document."""

import asyncio
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import numpy as np

from deploy.local.models.minilm import DIMENSIONS, give_memory_back
from deploy.local.models.ports import EmbeddingModel, Vectors

BATCH_TOKENS = 512
"""Padding included. Measured on two cores: larger batches of long texts are slower (their activations leave the cache),
smaller ones of short texts too; and a batch of this size keeps the model for 60 ms at most."""
BATCH_ROWS = 64


@dataclass(frozen=True)
class Embeddings:
    """One unit vector per text, in the texts' order, and the tokens the model saw."""

    vectors: Vectors
    tokens: int


class Embedder:
    """Embeds with MiniLM on one thread of its own, batch by batch.

    Batches of concurrent requests take turns. Requests of several batches share one turn among them, so a short one
    waits for two batches at most, however many documents are coming in.
    """

    def __init__(self, model: EmbeddingModel) -> None:
        self._model = model
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="minilm")
        self._turn = asyncio.Lock()
        self._long_requests = asyncio.Lock()
        self.waiting = 0
        """Requests that hold the model or stand in line for it."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._thread.shutdown(cancel_futures=True)

    async def embed(self, texts: Sequence[str]) -> Embeddings:
        """The texts' vectors; only the first 256 tokens of a text count."""
        vectors = np.empty((len(texts), DIMENSIONS), dtype=np.float32)
        if not texts:
            return Embeddings(vectors, 0)
        # Beside the model's thread: the tokenizer is quick and lets other threads run.
        rows = await asyncio.to_thread(self._model.tokenize, texts)
        batches = list(batches_of(rows))
        lane = self._long_requests if len(batches) > 1 else nullcontext()
        self.waiting += 1
        try:
            for batch in batches:
                async with lane, self._turn:
                    vectors[batch] = await self._on_thread([rows[index] for index in batch])
        finally:
            self.waiting -= 1
        if len(batches) > 1:
            await asyncio.to_thread(give_memory_back)
        return Embeddings(vectors, sum(map(len, rows)))

    async def _on_thread(self, rows: list[list[int]]) -> Vectors:
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._model.run, rows)


def batches_of(rows: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    """Indices of rows that run together: of like length, `BATCH_TOKENS` and `BATCH_ROWS` at most."""
    batch: list[int] = []
    for index in sorted(range(len(rows)), key=lambda index: len(rows[index])):
        # Sorted, so the row that comes in is the widest: all others are padded to it.
        if batch and ((len(batch) + 1) * len(rows[index]) > BATCH_TOKENS or len(batch) == BATCH_ROWS):
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch
