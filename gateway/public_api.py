"""One OpenAPI document of everything behind the door: the gateway's own routes and those it forwards."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import httpx
import structlog
from fastapi import FastAPI

log = structlog.get_logger()

PUBLIC_PREFIX = "/v1/"
FETCH_SECONDS = 2.0
WHOLE_SECONDS = 300.0
"""How long the document is kept; it changes with a deployment."""
PARTIAL_SECONDS = 5.0
"""How long one is kept in which an API is missing."""

Document = dict[str, Any]
_PROBLEM: Document = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
_OWN_ANSWERS: Document = {
    "404": {"description": "There is nothing at this path", "content": _PROBLEM},
    "408": {"description": "The body stopped coming", "content": _PROBLEM},
    "413": {"description": "The body is too large", "content": _PROBLEM},
    "429": {"description": "Too many requests; ask again after `Retry-After`", "content": _PROBLEM},
    "503": {"description": "The API does not answer; ask again after `Retry-After`", "content": _PROBLEM},
}
"""What a forwarded request may get from the gateway itself."""


class PublicApi:
    """Asks the other APIs for their documents and adds them to the gateway's; one that is away is left out.

    Args:
        own: makes the gateway's document.
        others: clients whose base URLs are the APIs'; the caller's to close.
        now: seconds of a clock that never goes back.
    """

    def __init__(
        self,
        own: Callable[[], Document],
        others: Sequence[httpx.AsyncClient],
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._own = own
        self._others = others
        self._now = now
        self._asking = asyncio.Lock()
        self._kept: tuple[float, Document] | None = None

    async def document(self) -> Document:
        """The whole document."""
        async with self._asking:
            if self._kept is None or self._now() >= self._kept[0]:
                found = await asyncio.gather(*(_fetch(client) for client in self._others))
                whole = merged(self._own(), [document for document in found if document is not None])
                self._kept = (self._now() + (PARTIAL_SECONDS if None in found else WHOLE_SECONDS), whole)
            return self._kept[1]


def publish(app: FastAPI, api: PublicApi) -> None:
    """`/openapi.json`, and so `/docs`, show the whole document from now on."""
    path = app.openapi_url or "/openapi.json"
    # FastAPI's own route stands first and would win.
    app.router.routes[:] = [route for route in app.router.routes if getattr(route, "path", None) != path]
    app.add_api_route(path, api.document, include_in_schema=False)


def merged(own: Document, others: Sequence[Document]) -> Document:
    """`own` with the public paths and all components of the others; where names meet, the first one stays."""
    whole = {**own, "paths": dict(own.get("paths", {})), "components": dict(own.get("components", {}))}
    for other in others:
        for path, item in other.get("paths", {}).items():
            if path.startswith(PUBLIC_PREFIX):
                whole["paths"].setdefault(path, _forwarded(item))
        components: Mapping[str, Mapping[str, Any]] = other.get("components", {})
        for kind, named in components.items():
            whole["components"][kind] = {**named, **whole["components"].get(kind, {})}
    return whole


def _forwarded(item: Document) -> Document:
    """The operations of a path with what the gateway itself may answer in the API's place."""
    return {
        method: {**operation, "responses": {**_OWN_ANSWERS, **operation["responses"]}}
        if "responses" in operation
        else operation
        for method, operation in item.items()
    }


async def _fetch(client: httpx.AsyncClient) -> Document | None:
    try:
        response = await client.get("/openapi.json", timeout=FETCH_SECONDS)
        response.raise_for_status()
        document: Document = response.json()
    except (httpx.HTTPError, ValueError) as error:
        log.warning("an API's document is missing", error=type(error).__name__)
        return None
    return document
