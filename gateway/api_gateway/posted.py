"""A connection whose client hears by posts."""

import asyncio
from collections.abc import AsyncIterator

import structlog

from gateway.api_gateway.management import GivenUpError, ManagementApi
from gateway.ports import GoneError

log = structlog.get_logger()

UNHEARD_MOST = 32
"""Frames that a conversation has not taken yet; as large as they may be, that is 4 MiB."""


class PostedConnection:
    """One connection of API Gateway as `gateway.ports.Connection`.

    Args:
        connection_id: API Gateway's.
        address: of the client, as it is counted.
        management: posts.
    """

    def __init__(self, connection_id: str, address: str, management: ManagementApi) -> None:
        self.connection_id = connection_id
        self.address = address
        self._management = management
        self._unheard: asyncio.Queue[str | None] = asyncio.Queue()
        self._is_over = False
        # A post is awaited before the next one is sent: two under way could overtake each other.
        self._order = asyncio.Lock()

    def hear(self, text: str) -> bool:
        """The client has said this; False when it says more than is listened to."""
        if self._unheard.qsize() >= UNHEARD_MOST:
            return False
        self._unheard.put_nowait(text)
        return True

    def end(self) -> None:
        """The client is gone."""
        self._is_over = True
        self._unheard.put_nowait(None)

    async def frames(self) -> AsyncIterator[str]:
        """As in the port."""
        while (text := await self._unheard.get()) is not None:
            yield text

    async def send(self, text: str) -> None:
        """As in the port; returns when API Gateway has taken it, so that nobody writes faster than that."""
        async with self._order:
            if self._is_over:
                raise GoneError
            try:
                await self._management.post(self.connection_id, text)
            except GoneError:
                self.end()
                raise
            except GivenUpError as error:
                # With a gap behind it nothing else may follow: the client comes again and resumes.
                await self._management.close(self.connection_id)
                self.end()
                raise GoneError from error

    async def close(self, code: int, reason: str) -> None:
        """As in the port, but that the client does not hear why: API Gateway passes on neither code nor reason."""
        log.info("a connection is closed", code=code, reason=reason)
        await self._management.close(self.connection_id)
        self.end()
