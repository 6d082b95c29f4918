"""A language model behind a callback becomes an asynchronous stream that can be stopped."""

import asyncio
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deploy.local.models.gguf import GgufModel, load_gguf
from deploy.local.models.ports import Json
from libs.errors import PermanentError, RequestError


def a_chunk(text: str) -> Json:
    return {"object": "chat.completion.chunk", "model": "/secret/path.gguf", "choices": [{"delta": {"content": text}}]}


class ScriptedServer:
    """A twin of llama.cpp's server: gives `chunks` to the callback until it says stop; an error is a chunk too."""

    def __init__(self, *chunks: Json, endless: bool = False, malformed: str = "") -> None:
        self.chunks = chunks
        self.endless = endless
        self.malformed = malformed
        self.bodies: list[Json] = []
        self.done = threading.Event()

    def handle_chat_completions(self, body: Json, callback: Callable[[Json], object], /) -> object:
        self.bodies.append(body)
        if self.malformed:
            raise ValueError(self.malformed)
        for chunk in self.chunks:
            if callback(chunk):
                break
        while self.endless and not callback(a_chunk("on ")):
            pass
        self.done.set()
        return None


def model(server: ScriptedServer) -> GgufModel:
    return GgufModel(server, name="tiny", parallel_answers=1)


async def texts(chunks: Any) -> list[str]:
    return [chunk["choices"][0]["delta"]["content"] async for chunk in chunks]


async def test_chunks_come_in_order_under_the_models_own_name() -> None:
    """The file's path is not told; the request's options reach the model."""
    server = ScriptedServer(a_chunk("A "), a_chunk("fee."))
    async with model(server) as gguf:
        chunks = [chunk async for chunk in gguf.stream({"model": "tiny", "temperature": 0.1})]

    assert [chunk["choices"][0]["delta"]["content"] for chunk in chunks] == ["A ", "fee."]
    assert {chunk["model"] for chunk in chunks} == {"tiny"}
    assert server.bodies == [{"model": "tiny", "temperature": 0.1, "stream": True}]


async def test_a_whole_answer_is_asked_for_without_a_stream() -> None:
    """One object comes back."""
    async with model(ScriptedServer({"object": "chat.completion", "model": "/secret"})) as gguf:
        assert await gguf.complete({"model": "tiny", "stream": True}) == {"object": "chat.completion", "model": "tiny"}


async def test_closing_the_stream_stops_the_model() -> None:
    """A model that would write for ever is free for the next question."""
    server = ScriptedServer(endless=True)
    async with asyncio.timeout(10), model(server) as gguf:
        chunks = gguf.stream({"model": "tiny"})
        await anext(chunks)
        await chunks.aclose()

        assert await asyncio.to_thread(server.done.wait, 5)


async def test_leaving_stops_every_model() -> None:
    """The process can end while a model writes."""
    server = ScriptedServer(endless=True)
    async with asyncio.timeout(10):
        async with model(server) as gguf:
            chunks = gguf.stream({"model": "tiny"})
            await anext(chunks)

        assert server.done.is_set()
        await chunks.aclose()


async def test_the_servers_errors_keep_their_status() -> None:
    """Streamed or not, before anything was answered."""
    error = {"error": {"code": 400, "message": "request exceeds the context", "type": "exceed_context_size_error"}}
    async with model(ScriptedServer(error)) as gguf:
        with pytest.raises(RequestError, match="exceeds the context") as whole:
            await gguf.complete({})
        with pytest.raises(RequestError) as streamed:
            await texts(gguf.stream({}))

    assert (whole.value.status, whole.value.code) == (400, "exceed_context_size_error")
    assert streamed.value.status == 400


async def test_a_malformed_request_is_the_callers_fault() -> None:
    """What the library raises for it becomes a 400."""
    async with model(ScriptedServer(malformed="Expected 'messages' to be an array")) as gguf:
        with pytest.raises(RequestError, match="Expected 'messages'") as refused:
            await texts(gguf.stream({}))

    assert refused.value.status == 400


def test_a_missing_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    """`xllamacpp` is in no default installation."""
    monkeypatch.setitem(sys.modules, "xllamacpp", None)

    with pytest.raises(PermanentError, match="dependency group `gguf`"):
        load_gguf(Path("model.gguf"), threads=1, context_tokens=512, parallel_answers=1)
