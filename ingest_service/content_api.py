"""`GET /v1/documents/{id}/content`: a document as it was uploaded."""

import re
import unicodedata
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Depends, Header, Query, Response
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from ingest_service.api_parts import COMMON, PrincipalOf, meant, problem
from ingest_service.contents import Content, Contents
from ingest_service.parsing.sniff import MEDIA_TYPES, PDF, PLAIN
from ingest_service.ranges import Part, UnsatisfiableError, is_known, part_of
from ingest_service.streams import Streams
from libs.contracts.values import Principal
from libs.errors import PermanentError
from libs.service.problems import problem_response

DOWNLOADS_MAX = 40
"""At once: with the streams of events they leave connections for all the rest that the gateway asks."""
VERSION_MAX = 2**31 - 1
HEADER_MAX_CHARACTERS = 1000

_INLINE = frozenset({PDF, PLAIN})
"""What a browser shows without running it. Others are saved: an HTML file that ran here would be we."""
_SAFE = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    # Kept by the browser, and shown again only after asking whether that is still allowed.
    "Cache-Control": "private, no-cache",
}
_UNSAFE_IN_NAMES = re.compile(r"[^A-Za-z0-9 ._()-]")

_BYTES: dict[str, Any] = {
    "content": {media_type: {} for media_type in MEDIA_TYPES},
    "headers": {name: {"schema": {"type": "string"}} for name in ("ETag", "Content-Disposition", "Accept-Ranges")},
}
_ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {"description": "The bytes, by their own media type", **_BYTES},
    206: {"description": "The part that `Range` asks for", **_BYTES},
    304: {"description": "The caller has it, by `If-None-Match`"},
    404: problem("`document_not_found`: the caller can read no such document; `version_not_found`"),
    410: problem("`version_replaced`: the bytes of earlier versions are not kept"),
    416: problem("`range_not_satisfiable`"),
    429: problem("`too_many_streams`"),
}
_Version = Annotated[
    int | None, Query(ge=1, le=VERSION_MAX, description="As a citation has it; without it what questions find")
]
_Asked = Annotated[str | None, Header(max_length=HEADER_MAX_CHARACTERS)]


def content_router(contents: Contents, *, principal: PrincipalOf) -> APIRouter:
    """The route.

    Args:
        contents: the store.
        principal: the dependency that says who calls, or answers 401.
    """
    router = APIRouter(prefix="/v1/documents", tags=["documents"], responses=COMMON)
    downloads = Streams(most=DOWNLOADS_MAX)

    @router.get("/{document_id}/content", responses=_ANSWERS, response_class=Response)
    async def read_content(
        document_id: str,
        caller: Annotated[Principal, Depends(principal)],
        version: _Version = None,
        range: _Asked = None,  # noqa: A002 - the header's name
        if_range: _Asked = None,
        if_none_match: _Asked = None,
    ) -> Response:
        """The file as it was uploaded, for whoever may be answered from it."""
        wanted = meant(document_id)
        content = await contents.find(wanted, caller, version=version)
        etag = f'"{content.sha256}"'
        headers = {**_SAFE, "ETag": etag}
        if is_known(etag, if_none_match):
            return Response(status_code=304, headers=headers)
        try:
            part = part_of(range if if_range in {None, etag} else None, content.size_bytes)
        except UnsatisfiableError:
            refusal = problem_response(416, "range_not_satisfiable", "The file ends before this part begins.")
            refusal.headers["Content-Range"] = f"bytes */{content.size_bytes}"
            return refusal
        downloads.check(caller.user_id)
        async with AsyncExitStack() as stack:
            stack.enter_context(downloads.counted(caller.user_id))
            start, end = part or Part(0, content.size_bytes)
            try:
                pieces = await stack.enter_async_context(contents.reading(content, start=start, end=end))
            except PermanentError:
                # Replaced or deleted since it was found: that is what the caller is told then.
                await contents.find(wanted, caller, version=version)
                raise
            return _Held(stack.pop_all(), pieces, status=206 if part else 200, headers=headers | _about(content, part))

    return router


class _Held(StreamingResponse):
    """Bytes as they are read; whatever they are read from is closed however this ends."""

    def __init__(
        self, held: AsyncExitStack, pieces: AsyncIterator[bytes], *, status: int, headers: dict[str, str]
    ) -> None:
        super().__init__(pieces, status_code=status, headers=headers)
        self._held = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with self._held:
            await super().__call__(scope, receive, send)


def _about(content: Content, part: Part | None) -> dict[str, str]:
    whole = Part(0, content.size_bytes)
    start, end = part or whole
    kind = "inline" if content.media_type in _INLINE else "attachment"
    headers = {
        # Without a charset: nobody has asked in which one it was written.
        "Content-Type": content.media_type,
        "Content-Length": str(end - start),
        "Content-Disposition": f"{kind}; {_named(content.file_name)}",
        "Accept-Ranges": "bytes",
    }
    return headers if part is None else headers | {"Content-Range": f"bytes {start}-{end - 1}/{content.size_bytes}"}


def _named(file_name: str) -> str:
    """The name in both spellings of RFC 6266, with nothing in it that ends a header, leads elsewhere or misleads."""
    # What is invisible, such as a change of the direction of writing, makes a program look like a text.
    visible = "".join("_" if unicodedata.category(one).startswith("C") else one for one in file_name)
    safe = re.sub(r'[/\\:*?"<>|]', "_", visible)
    return f"filename=\"{_UNSAFE_IN_NAMES.sub('_', safe)}\"; filename*=UTF-8''{quote(safe, safe='')}"
