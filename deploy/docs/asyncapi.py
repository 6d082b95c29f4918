"""The streams, as FastStream's AsyncAPI generator describes them: which service reads and writes which event.

The bus reads streams without FastStream's own decoding (ADR 0003), so a broker that is never started declares them.
"""

import json
from dataclasses import dataclass
from typing import Any

from faststream.redis import RedisBroker, StreamSub
from faststream.specification import AsyncAPI

from libs.contracts.events import (
    AnswerWritten,
    ContextRetrieved,
    DocumentGivenUp,
    DocumentUploaded,
    Event,
    QuestionAsked,
    TurnOpened,
)
from libs.service.app import VERSION

_DESCRIPTION = """\
Every stream is split into partitions: the key of partition 3 of `chat.asked.v1` is `chat.asked.v1:{p3}`. An entry has
three fields: `event`, the JSON described here; `attempts`, how often it has failed; `traceparent`, of W3C Trace
Context. A service is one consumer group. Finishing an entry and publishing the next event are one atomic step, and an
entry is deleted when it is finished."""


@dataclass(frozen=True)
class Traffic:
    """What a service has to do with the streams.

    Attributes:
        group: its consumer group.
        reads: held to the handlers it registers by a test.
        writes: the events, and when it publishes them.
    """

    group: str
    reads: tuple[type[Event], ...]
    writes: tuple[tuple[type[Event], str], ...]


TRAFFIC = (
    Traffic("gateway", (), ((QuestionAsked, "A client sent a question."),)),
    Traffic(
        "history",
        (QuestionAsked, AnswerWritten),
        (
            (TurnOpened, "The turn is the session's next one, or it stood still and is opened again."),
            (AnswerWritten, "The turn was opened too often, or its user cancelled it before it was opened."),
        ),
    ),
    Traffic(
        "retrieval",
        (TurnOpened,),
        (
            (ContextRetrieved, "The search is done, whatever it found."),
            (AnswerWritten, "The user cancelled, or retrieval failed for good."),
        ),
    ),
    Traffic("generation", (ContextRetrieved,), ((AnswerWritten, "The answer ended, in whatever way."),)),
    Traffic(
        "ingest",
        (DocumentUploaded, DocumentGivenUp),
        (
            (DocumentUploaded, "A version's bytes are stored and it is its turn, or it stood still."),
            (DocumentGivenUp, "The entry of a version was buried."),
        ),
    ),
)


def asyncapi() -> str:
    """The AsyncAPI 3.0 document."""
    broker = RedisBroker("redis://localhost:6379", description="Redis 7 or Valkey 7.2 and later")
    for traffic in TRAFFIC:
        for event in traffic.reads:
            subscription = StreamSub(event.stream, group=traffic.group, consumer="one name per process")
            broker.subscriber(
                stream=subscription, title=f"{traffic.group}.reads.{event.stream}", description=_meaning(event)
            )(_taking(event))
        for event, occasion in traffic.writes:
            title = f"{traffic.group}.writes.{event.stream}"
            broker.publisher(stream=event.stream, title=title, description=occasion, schema=event)
    document = AsyncAPI(broker, title="Eloquent's streams", version=VERSION, description=_DESCRIPTION)
    # Sorted, because FastStream keeps publishers and subscribers in sets.
    return json.dumps(document.to_specification().to_jsonable(), indent=2, ensure_ascii=False, sort_keys=True) + "\n"


def _meaning(event: type[Event]) -> str:
    return (event.__doc__ or "").partition("\n")[0]


def _taking(event: type[Event]) -> Any:
    """A handler that FastStream reads the payload's type from."""

    async def handler(event: Event) -> None:
        """Never called."""

    handler.__annotations__["event"] = event
    return handler
