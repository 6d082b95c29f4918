"""A body has a size that an app is made for: what is larger is refused before it is read, or while it is."""

from collections.abc import Collection
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from libs.service.problems import BODY_TOO_LARGE, problem_response

JSON_BODY_MAX_BYTES = 64 * 1024
"""Of everything that is no upload. The gateway says the same; behind it nobody should rely on that."""


class BodyLimit:
    """ASGI middleware.

    Args:
        app: what may rely on the limit.
        max_bytes: of a body.
        elsewhere: paths whose routes have limits of their own.
    """

    def __init__(self, app: ASGIApp, *, max_bytes: int, elsewhere: Collection[str] = ()) -> None:
        self._app = app
        self._max_bytes = max_bytes
        self._elsewhere = frozenset(elsewhere)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI's call."""
        if scope["type"] != "http" or scope["path"] in self._elsewhere:
            await self._app(scope, receive, send)
            return
        if int(Headers(scope=scope).get("content-length", "0")) > self._max_bytes:
            response = problem_response(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, BODY_TOO_LARGE, self._detail)
            await response(scope, receive, send)
            return
        size = 0

        async def counted() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > self._max_bytes:
                # Not an error of ours: FastAPI would take any other exception for a body that cannot be parsed.
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, self._detail)
            return message

        await self._app(scope, counted, send)

    @property
    def _detail(self) -> str:
        return f"The body may have {self._max_bytes} bytes."
