"""The gateway's view of the history api."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import httpx
import pytest

from gateway.history import HistoryApi
from libs.errors import TransientError
from tests.fakes.http import Connection, Request

ANSWER = uuid4()


class ClosingServer:
    """Closes so many connections instead of answering, as a server does that is idle for long or is replaced."""

    def __init__(self) -> None:
        self.closes = 0

    def handle(self, connection: Connection, _request: Request) -> None:
        if self.closes:
            self.closes -= 1
            connection.transport.close()
        else:
            connection.reply({"answer_id": str(ANSWER)})


@pytest.fixture
def server() -> ClosingServer:
    return ClosingServer()


@pytest.fixture
async def history(server: ClosingServer) -> AsyncIterator[HistoryApi]:
    listening = await asyncio.get_running_loop().create_server(lambda: Connection(server.handle), "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        yield HistoryApi(client)
    listening.close()


async def active(history: HistoryApi) -> UUID | None:
    return await history.active(uuid4(), authorization="Bearer token")


async def test_a_connection_closed_just_then_is_not_noticed(server: ClosingServer, history: HistoryApi) -> None:
    """A kept connection that the server closes as the next request is on its way: asked again on another."""
    assert await active(history) == ANSWER
    server.closes = 1

    assert await active(history) == ANSWER


async def test_an_api_that_closes_every_connection_is_away(server: ClosingServer, history: HistoryApi) -> None:
    """It is asked twice and no more."""
    server.closes = 3

    with pytest.raises(TransientError):
        await active(history)

    assert server.closes == 1
