"""The gateway's own routes: the chat socket, and where clients sign in."""

from fastapi import APIRouter, WebSocket
from pydantic import BaseModel

from gateway.addresses import address_of
from gateway.chat_socket import ChatSocket
from gateway.conversation import NOT_ALLOWED, TOO_MANY, Conversation
from gateway.limits import SocketCount
from gateway.metrics import SOCKETS
from gateway.request import Chat
from gateway.sign_in import Identity
from libs.service.problems import Problem


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

    @router.get("/v1/config", responses={429: {"model": Problem, "description": "Too many requests"}})
    async def config() -> PublicConfig:
        """Where to sign in."""
        return public

    @router.websocket("/v1/chat")
    async def chat_socket(socket: WebSocket) -> None:
        await socket.accept()
        if not origin_allowed(socket.headers.get("origin"), socket.headers.get("host"), origins):
            await socket.close(NOT_ALLOWED, "this origin may not")
            return
        address = address_of(socket, trusted_proxies=chat.settings.trusted_proxies)
        if not sockets.enter(address):
            await socket.close(TOO_MANY, "too many sockets")
            return
        SOCKETS.set(sockets.open)
        try:
            await Conversation(chat, ChatSocket(socket, address)).run()
        finally:
            sockets.leave(address)
            SOCKETS.set(sockets.open)

    return router


def origin_allowed(origin: str | None, host: str | None, origins: tuple[str, ...]) -> bool:
    """Browsers always say where a page comes from; other programs need not.

    Args:
        origin: the header, if there is one.
        host: the name under which the gateway was asked for.
        origins: allowed beside that.
    """
    if origin is None or origin.rstrip("/") in origins:
        return True
    scheme, _, place = origin.partition("://")
    return scheme in {"http", "https"} and bool(host) and place.lower() == (host or "").lower()
