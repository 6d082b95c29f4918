"""The gateway's own routes: the chat socket, and where clients sign in."""

from urllib.parse import urlsplit

import structlog
from fastapi import APIRouter, WebSocket
from prometheus_client import Gauge
from pydantic import BaseModel

from gateway.chat_socket import NOT_ALLOWED, TOO_MANY, Chat, ChatSocket
from gateway.limits import SocketCount

log = structlog.get_logger()

SOCKETS = Gauge("gateway_sockets", "Open chat sockets")


class Identity(BaseModel):
    """Where clients get their tokens, in Amazon Cognito's terms."""

    endpoint: str
    identity_pool_id: str
    user_pool_client_id: str


class PublicConfig(BaseModel):
    """What a client must know before it can sign in; nothing secret."""

    identity: Identity


def chat_router(chat: Chat, *, origins: tuple[str, ...], sockets: SocketCount, public: PublicConfig) -> APIRouter:
    """`WS /v1/chat` and `GET /v1/config`.

    Args:
        chat: what all sockets share.
        origins: of pages that may open a socket, beside the gateway's own.
        sockets: counts and bounds them.
        public: the answer of `/v1/config`.
    """
    router = APIRouter(tags=["chat"])

    @router.get("/v1/config")
    async def config() -> PublicConfig:
        """Where to sign in."""
        return public

    @router.websocket("/v1/chat")
    async def chat_socket(socket: WebSocket) -> None:
        await socket.accept()
        if not _is_allowed(socket, origins):
            await socket.close(NOT_ALLOWED, "this origin may not")
            return
        address = _address(socket, trust_forwarded_for=chat.settings.trust_forwarded_for)
        if not sockets.enter(address):
            await socket.close(TOO_MANY, "too many sockets")
            return
        SOCKETS.set(sockets.open)
        try:
            await ChatSocket(chat, socket).run()
        finally:
            sockets.leave(address)
            SOCKETS.set(sockets.open)

    return router


def _is_allowed(socket: WebSocket, origins: tuple[str, ...]) -> bool:
    """Browsers always say where a page comes from; other programs need not."""
    origin = socket.headers.get("origin")
    if origin is None or origin.rstrip("/") in origins:
        return True
    return urlsplit(origin).netloc == socket.headers.get("host")


def _address(socket: WebSocket, *, trust_forwarded_for: bool) -> str:
    forwarded = socket.headers.get("x-forwarded-for", "")
    if trust_forwarded_for and forwarded:
        # The last one is the load balancer's own word, those before are the client's.
        return forwarded.rsplit(",", 1)[-1].strip()
    return socket.client.host if socket.client else "unknown"
