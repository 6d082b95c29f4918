"""`/v1/documents/…/events`: documents on their way, as server-sent events."""

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Response
from starlette.responses import StreamingResponse

from ingest_service.api_parts import COMMON, NOT_FOUND, PrincipalOf, meant, problem
from ingest_service.changes import Changes
from ingest_service.documents import Documents
from ingest_service.stored import FINAL
from ingest_service.streams import Streams
from ingest_service.views import document_of
from ingest_service.watch import Seen, follow_all, follow_one
from libs.contracts.values import Principal

HEARTBEAT_SECONDS = 10.0
"""A comment while nothing changes: whoever forwards the stream sees that it lives."""
STREAM_SECONDS = 300.0
"""Then the client comes back, with a token that is valid then."""
STREAMS_MAX = 150
RETRY_MILLISECONDS = 1000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LastEventId = Annotated[str | None, Header(description="The last event seen, as EventSource sends it")]
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}, "description": "`document`, `deleted`"},
    429: problem("`too_many_streams`"),
}
_ENDED: dict[int | str, dict[str, Any]] = {204: {"description": "The document has ended, and that was seen already"}}


def events_router(documents: Documents, changes: Changes, *, principal: PrincipalOf) -> APIRouter:
    """Streams of documents; to be included before the routes of single documents, whose id `events` is not.

    Args:
        documents: the store.
        changes: the same, by time.
        principal: the dependency that says who calls, or answers 401.
    """
    router = APIRouter(prefix="/v1/documents", tags=["documents"], responses=COMMON)
    Caller = Annotated[Principal, Depends(principal)]  # noqa: N806 - a type
    streams = Streams(most=STREAMS_MAX)

    @router.get("/events", responses=_STREAM)
    async def follow_documents(caller: Caller, last_event_id: _LastEventId = None) -> Response:
        """All that the caller uploaded and that has not ended, then every change, until the caller leaves.

        With `Last-Event-ID`: all that has changed since. Some events may come twice: each is a whole document.
        """
        streams.check(caller.user_id)
        seen = follow_all(changes, caller, since=_time(last_event_id))
        return _stream(_counted(streams, caller, seen))

    @router.get("/{document_id}/events", responses=NOT_FOUND | _STREAM | _ENDED)
    async def follow_document(document_id: str, caller: Caller, last_event_id: _LastEventId = None) -> Response:
        """The document as it is, then each change; the stream ends when the document has, or was deleted."""
        document = await documents.read(meant(document_id), caller)
        since = _time(last_event_id)
        if document.status in FINAL and since is not None and document.updated_at <= since:
            # What EventSource takes for a reason not to come back.
            return Response(status_code=204)
        streams.check(caller.user_id)
        return _stream(_counted(streams, caller, follow_one(documents, document, caller)))

    return router


def _stream(pieces: AsyncIterator[bytes]) -> Response:
    headers = {"Cache-Control": "no-store"}
    return StreamingResponse(pieces, media_type="text/event-stream", headers=headers)


async def _counted(streams: Streams, caller: Principal, seen: AsyncIterator[Seen]) -> AsyncIterator[bytes]:
    with streams.counted(caller.user_id):
        async for piece in _written(seen, caller):
            yield piece


async def _written(seen: AsyncIterator[Seen], caller: Principal) -> AsyncIterator[bytes]:
    begun = said = time.monotonic()
    yield f"retry: {RETRY_MILLISECONDS}\n\n".encode()
    async for one in seen:
        now = time.monotonic()
        if one.document is not None:
            said = now
            number = (one.document.updated_at - _EPOCH) // timedelta(microseconds=1)
            shown = document_of(one.document, caller=caller).model_dump_json()
            yield f"id: {number}\nevent: document\ndata: {shown}\n\n".encode()
        elif one.kind == "deleted":
            said = now
            yield f'event: deleted\ndata: {{"id":"{one.document_id}"}}\n\n'.encode()
        elif now - said >= HEARTBEAT_SECONDS:
            said = now
            yield b": still here\n\n"
        if now - begun >= STREAM_SECONDS:
            return


def _time(last_event_id: str | None) -> datetime | None:
    """What `id` stands for; anything else is as good as none."""
    try:
        return _EPOCH + timedelta(microseconds=int(last_event_id or ""))
    except (ValueError, OverflowError):
        return None
