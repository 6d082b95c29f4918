"""Joins what a gateway behind API Gateway's WebSocket API has besides."""

from fastapi import APIRouter

from gateway.api_gateway.callbacks import callbacks_router
from gateway.api_gateway.connections import Connections
from gateway.api_gateway.management import ManagementApi
from gateway.api_gateway.registry import Registry
from gateway.api_gateway.signing import Signer
from gateway.limits import SocketCount
from gateway.request import Chat


def build_door(
    chat: Chat, *, url: str, region: str, secret: str, origins: tuple[str, ...], sockets: SocketCount
) -> tuple[Connections, APIRouter]:
    """What is opened with the process, and its routes."""
    management = ManagementApi(url, Signer(region), patience_seconds=chat.settings.send_seconds)
    connections = Connections(chat, management, Registry(chat.redis), sockets)
    return connections, callbacks_router(connections, secret=secret, origins=origins)
