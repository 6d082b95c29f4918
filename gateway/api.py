"""The gateway's own routes: the chat socket, and where clients sign in."""

from ipaddress import IPv4Address, ip_address, ip_network

from fastapi import APIRouter, WebSocket
from prometheus_client import Gauge
from pydantic import BaseModel

from gateway.chat_socket import NOT_ALLOWED, TOO_MANY, ChatSocket
from gateway.limits import SocketCount
from gateway.request import Chat
from gateway.sign_in import Identity

IPV6_PREFIX_BITS = 64

SOCKETS = Gauge("gateway_sockets", "Open chat sockets")


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
        if not origin_allowed(socket.headers.get("origin"), socket.headers.get("host"), origins):
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


def _address(socket: WebSocket, *, trust_forwarded_for: bool) -> str:
    forwarded = socket.headers.getlist("x-forwarded-for")
    if trust_forwarded_for and forwarded:
        # The last one is the load balancer's own word, those before are the client's.
        return network_of(forwarded[-1].rsplit(",", 1)[-1].strip())
    return network_of(socket.client.host if socket.client else "")


def network_of(address: str) -> str:
    """Who is counted as one client: an IPv4 address, or the IPv6 network that one household or server has."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(parsed, IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ip_network((parsed, IPV6_PREFIX_BITS), strict=False))
