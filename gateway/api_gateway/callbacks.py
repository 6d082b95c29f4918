"""`POST /callbacks/*`: what API Gateway tells of its connections. Whoever else calls finds nothing there."""

import hmac
import re
from http import HTTPStatus

from fastapi import APIRouter, Request, Response

from gateway.addresses import network_of
from gateway.api import origin_allowed
from gateway.api_gateway.connections import Connections
from gateway.api_gateway.headers import ADDRESS, CONNECTION, HOST, ORIGIN, PROOF
from libs.errors import RequestError
from libs.service.app import FRAME_MAX_BYTES

CONNECTION_ID = re.compile(r"[A-Za-z0-9_=-]{1,128}")


def callbacks_router(connections: Connections, *, secret: str, origins: tuple[str, ...]) -> APIRouter:
    """A route each for `$connect`, `$default` and `$disconnect`; no part of the public API.

    Args:
        connections: are told.
        secret: what proves that API Gateway calls; only then a connection's id is one.
        origins: of pages that may connect, beside the API's own.
    """
    router = APIRouter(prefix="/callbacks", include_in_schema=False)

    def proved(request: Request) -> str:
        """The connection's id."""
        connection_id = _only(request, CONNECTION)
        if not hmac.compare_digest(_only(request, PROOF).encode(), secret.encode()):
            raise RequestError("There is nothing here.", status=HTTPStatus.NOT_FOUND, code="not_found")
        if not CONNECTION_ID.fullmatch(connection_id):
            raise RequestError("This is no connection's id.", status=HTTPStatus.BAD_REQUEST, code="invalid_connection")
        return connection_id

    @router.post("/connect")
    async def connect(request: Request) -> Response:
        """Whether the client is let in."""
        connection_id = proved(request)
        if not origin_allowed(request.headers.get(ORIGIN), request.headers.get(HOST), origins):
            return Response(status_code=HTTPStatus.FORBIDDEN)
        is_open = await connections.open(connection_id, network_of(_only(request, ADDRESS)))
        return Response(status_code=HTTPStatus.OK if is_open else HTTPStatus.TOO_MANY_REQUESTS)

    @router.post("/message")
    async def message(request: Request) -> Response:
        """The client has said something; the answers to that are posted."""
        connection_id = proved(request)
        await connections.said(connection_id, await _text(request))
        return Response()

    @router.post("/disconnect")
    async def disconnect(request: Request) -> Response:
        """The client is gone."""
        await connections.gone(proved(request))
        return Response()

    return router


def _only(request: Request, header: str) -> str:
    """The header's value; nothing when it is there more than once, as the client may have added one."""
    values = request.headers.getlist(header)
    return values[0] if len(values) == 1 else ""


async def _text(request: Request) -> str:
    """What the client said; nothing when it is no text, which then is no frame."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > FRAME_MAX_BYTES:
            raise RequestError("This is too long.", status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE, code="too_large")
    try:
        return body.decode()
    except UnicodeDecodeError:
        return ""
