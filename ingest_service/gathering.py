"""Texts of several documents in one request to the embedding model: a request costs more than a short document."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from ingest_service.ports import Embedder
from libs.errors import EloquentError
from libs.tasks import end_tasks

Vectors = Sequence[Sequence[float]]


@dataclass(frozen=True, slots=True, eq=False)
class _Waiting:
    texts: Sequence[str]
    vectors: "asyncio.Future[Vectors]"


class GatheringEmbedder:
    """An embedder whose callers share requests; an async context manager.

    Whoever comes first waits a moment for others. What one of them did is not the others' trouble: a request of
    several that failed goes out again for each alone.

    Args:
        embedder: what embeds.
        size: texts in a request at most; a call with more has one of its own.
        wait_seconds: for others.
    """

    def __init__(self, embedder: Embedder, *, size: int, wait_seconds: float) -> None:
        self._embedder = embedder
        self._size = size
        self._wait_seconds = wait_seconds
        self._waiting: list[_Waiting] = []
        self._requests: set[asyncio.Task[None]] = set()
        self._tasks = asyncio.TaskGroup()
        self._timer: asyncio.TimerHandle | None = None

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        await end_tasks(*self._requests)
        await self._tasks.__aexit__(kind, error, trace)

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """One vector a text, in their order.

        Raises:
            EloquentError: as the embedder says of these texts.
        """
        # Whoever was cancelled while it waited needs nothing any more.
        self._waiting = [one for one in self._waiting if not one.vectors.done()]
        if self._count() + len(texts) > self._size:
            self._send()
        one = _Waiting(texts, asyncio.get_running_loop().create_future())
        self._waiting.append(one)
        if self._count() >= self._size:
            self._send()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._wait_seconds, self._send)
        return await one.vectors

    def _count(self) -> int:
        return sum(len(one.texts) for one in self._waiting)

    def _send(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        together = [one for one in self._waiting if not one.vectors.done()]
        self._waiting = []
        if together:
            task = self._tasks.create_task(self._request(together))
            self._requests.add(task)
            task.add_done_callback(self._requests.discard)

    async def _request(self, together: Sequence[_Waiting]) -> None:
        try:
            vectors = await self._embedder.embed([text for one in together for text in one.texts])
        except EloquentError as error:
            if len(together) > 1:
                await asyncio.gather(*(self._request([one]) for one in together))
            else:
                _settle(together[0], error)
        except Exception as error:  # noqa: BLE001 - whatever it is, somebody waits for it
            for one in together:
                _settle(one, error)
        else:
            start = 0
            for one in together:
                _settle(one, vectors[start : start + len(one.texts)])
                start += len(one.texts)
        finally:
            for one in together:
                one.vectors.cancel()


def _settle(one: _Waiting, outcome: Vectors | Exception) -> None:
    if one.vectors.done():
        return
    if isinstance(outcome, Exception):
        one.vectors.set_exception(outcome)
    else:
        one.vectors.set_result(outcome)
