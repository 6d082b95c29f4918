"""A language model from a GGUF file, run by llama.cpp inside this process."""

import asyncio
import os
import secrets
import threading
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from deploy.local.models.ports import Json
from deploy.local.models.refusals import InvalidRequestError
from libs.errors import PermanentError, RequestError

QUIET = -1


class CompletionServer(Protocol):
    """The part of `xllamacpp.Server` that we use."""

    def handle_chat_completions(self, body: Json, callback: Callable[[Json], object], /) -> object:
        """Give the answer, its chunks, or an error to `callback`; a true value from it stops the model.

        Raises:
            ValueError: the request is malformed.
        """


class GgufModel:
    """Answers with a language model.

    Args:
        server: the loaded model.
        name: its name to the outside.
        parallel_answers: written at the same time; further ones wait.
    """

    def __init__(self, server: CompletionServer, *, name: str, parallel_answers: int) -> None:
        self.name = name
        self._server = server
        self._threads = ThreadPoolExecutor(max_workers=parallel_answers, thread_name_prefix="gguf")
        self._stopped = threading.Event()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._threads.shutdown(cancel_futures=True)

    async def complete(self, body: Json) -> Json:
        """The whole answer; the model writes it to its end even when nobody waits for it any more."""
        answers: list[Json] = []
        await self._call({**body, "stream": False}, answers.append)
        return self._checked(answers[0])

    async def stream(self, body: Json) -> AsyncGenerator[Json]:
        """The model's chunks as they come; closing the iterator stops it at the next token."""
        loop = asyncio.get_running_loop()
        chunks: asyncio.Queue[Json | None] = asyncio.Queue()
        closed = threading.Event()

        def put(chunk: Json) -> bool:
            # The loop may be gone already when the process stops.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(chunks.put_nowait, chunk)
            return closed.is_set() or self._stopped.is_set()

        call = self._call({**body, "stream": True}, put)
        call.add_done_callback(lambda _call: chunks.put_nowait(None))
        try:
            while (chunk := await chunks.get()) is not None:
                yield self._checked(chunk)
            await call
        finally:
            closed.set()

    def _call(self, body: Json, callback: Callable[[Json], object]) -> asyncio.Future[None]:
        def run() -> None:
            try:
                self._server.handle_chat_completions(body, callback)
            except ValueError as error:
                raise InvalidRequestError(str(error), param=None) from error

        return asyncio.get_running_loop().run_in_executor(self._threads, run)

    def _checked(self, answer: Json) -> Json:
        if (error := answer.get("error")) is not None:
            code = str(error.get("type", "model_error"))
            raise RequestError(str(error.get("message")), status=int(error.get("code", 500)), code=code)
        # The server says the file's path, which is nobody's business.
        return {**answer, "model": self.name}


def load_gguf(path: Path, *, threads: int, context_tokens: int, parallel_answers: int) -> CompletionServer:
    """The file's model, ready to answer.

    Args:
        path: the GGUF file.
        threads: cores a run may use.
        context_tokens: of one answer, prompt included.
        parallel_answers: memory is set aside for so many at the same time.

    Raises:
        PermanentError: the package `xllamacpp` is missing, or it cannot load the file.
    """
    # libgomp reads these when it is loaded, just below: threads that wait must not spin, the cores are shared.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.setdefault("GOMP_SPINCOUNT", "0")
    try:
        import xllamacpp
    except ImportError as error:
        raise PermanentError(
            "LLM_GGUF needs the package xllamacpp: install the dependency group `gguf`, or unset LLM_GGUF."
        ) from error
    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.n_parallel = parallel_answers
    params.n_ctx = context_tokens * parallel_answers
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    params.verbosity = QUIET
    # It opens an HTTP port of its own, which we do not use: on loopback, and behind a key that nobody knows.
    params.port = 0
    params.ui = params.endpoint_slots = False
    params.api_keys = [secrets.token_urlsafe(32)]
    try:
        server: CompletionServer = xllamacpp.Server(params)
    except RuntimeError as error:
        raise PermanentError(f"LLM_GGUF: {path} is not a GGUF file that llama.cpp can load.") from error
    return server
