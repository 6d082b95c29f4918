"""`WS /v1/chat`: a client's own socket."""

from collections.abc import AsyncIterator
from contextlib import suppress

from fastapi import WebSocket, WebSocketDisconnect
from starlette.websockets import WebSocketState

from gateway.ports import GoneError


class ChatSocket:
    """One accepted socket as `gateway.ports.Connection`.

    A client that takes nothing is cut off by the server's protocol (`libs.service.protocols`); here it is then gone.

    Args:
        socket: the accepted connection.
        address: of the client, as it is counted.
    """

    def __init__(self, socket: WebSocket, address: str) -> None:
        self._socket = socket
        self.address = address

    async def frames(self) -> AsyncIterator[str]:
        """As in the port."""
        while (message := await self._socket.receive())["type"] != "websocket.disconnect":
            yield message.get("text") or ""

    async def send(self, text: str) -> None:
        """As in the port."""
        if not self._is_open:
            raise GoneError
        try:
            await self._socket.send_text(text)
        except (WebSocketDisconnect, RuntimeError) as error:
            # Starlette raises RuntimeError when another task has closed the socket while this one waited.
            raise GoneError from error

    async def close(self, code: int, reason: str) -> None:
        """As in the port."""
        if self._is_open:
            with suppress(RuntimeError, WebSocketDisconnect):
                await self._socket.close(code, reason)

    @property
    def _is_open(self) -> bool:
        return self._socket.application_state is WebSocketState.CONNECTED
