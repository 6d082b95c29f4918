"""API Gateway's management API, `@connections`: the way back to a client."""

import asyncio
import random
from collections.abc import Iterator
from http import HTTPStatus
from types import TracebackType
from typing import Self

import aiohttp
import structlog
from botocore.exceptions import BotoCoreError
from prometheus_client import Counter

from gateway.api_gateway.signing import Signer
from gateway.ports import GoneError

log = structlog.get_logger()

AT_ONCE = 200
"""Posts under way of a process; more wait, and with them whoever writes."""
TRY_SECONDS = 5.0
CLOSE_SECONDS = 5.0
FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 1.0

POSTS = Counter("gateway_posts_total", "Posts to clients behind API Gateway", ["outcome"])
for outcome in ("taken", "again", "gone", "given_up"):
    POSTS.labels(outcome)


class GivenUpError(Exception):
    """The client may still be there, but what it was to be sent was not taken."""


class ManagementApi:
    """Posts to connections and closes them; an async context manager.

    Not boto3's client: that costs a thread and five times the CPU for each piece of an answer (ADR 31).

    Args:
        url: of the API and its stage, https.
        signer: makes AWS take the requests.
        patience_seconds: how long a post is tried.
    """

    def __init__(self, url: str, signer: Signer, *, patience_seconds: float) -> None:
        self._url = url.rstrip("/")
        self._signer = signer
        self._patience_seconds = patience_seconds
        self._session: aiohttp.ClientSession

    async def __aenter__(self) -> Self:
        await self._signer.prepare()
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=AT_ONCE),
            timeout=aiohttp.ClientTimeout(sock_connect=TRY_SECONDS, sock_read=TRY_SECONDS),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def post(self, connection_id: str, text: str) -> None:
        """The client is sent this, at least once: where no answer comes to a post, it is posted again.

        Clients leave out a chunk whose number they have.

        Raises:
            GoneError: the connection has ended.
            GivenUpError: it was not taken in time, or is refused.
        """
        try:
            async with asyncio.timeout(self._patience_seconds):
                await self._post(connection_id, text.encode())
        except TimeoutError:
            POSTS.labels("given_up").inc()
            raise GivenUpError from None

    async def _post(self, connection_id: str, body: bytes) -> None:
        for pause in _pauses():
            status = await self._request("POST", connection_id, body)
            if status is HTTPStatus.OK:
                POSTS.labels("taken").inc()
                return
            if status is HTTPStatus.GONE:
                POSTS.labels("gone").inc()
                raise GoneError
            if _is_final(status):
                POSTS.labels("given_up").inc()
                log.error("API Gateway refuses a post", status=status, body_bytes=len(body))
                raise GivenUpError
            POSTS.labels("again").inc()
            await asyncio.sleep(pause)

    async def close(self, connection_id: str) -> None:
        """The connection is ended, or will end by itself: API Gateway keeps none for more than two hours."""
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                for pause in _pauses():
                    status = await self._request("DELETE", connection_id, b"")
                    if _is_final(status):
                        return
                    await asyncio.sleep(pause)
        except TimeoutError:
            log.warning("a connection could not be closed")

    async def _request(self, method: str, connection_id: str, body: bytes) -> HTTPStatus | None:
        # Ids have nothing that needs quoting (`callbacks.CONNECTION_ID`), so what is signed is what is sent.
        url = f"{self._url}/@connections/{connection_id}"
        try:
            headers = await self._signer.headers(method, url, body)
            async with self._session.request(method, url, data=body, headers=headers) as response:
                await response.read()
                return HTTPStatus(response.status)
        except (aiohttp.ClientError, BotoCoreError, TimeoutError) as error:
            log.warning("API Gateway does not answer", reason=type(error).__name__)
            return None


def _is_final(status: HTTPStatus | None) -> bool:
    """Asking again would change nothing."""
    return status not in {None, HTTPStatus.TOO_MANY_REQUESTS} and status < HTTPStatus.INTERNAL_SERVER_ERROR


def _pauses() -> Iterator[float]:
    """Seconds between tries, without end; many that were refused together do not come back together."""
    pause = FIRST_PAUSE_SECONDS
    while True:
        yield random.uniform(pause / 2, pause)  # noqa: S311 - spreads load, guards nothing
        pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
