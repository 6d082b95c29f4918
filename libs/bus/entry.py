"""An event's place on a stream: its key, its fields, its attempts."""

from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from libs.contracts.events import Event
from libs.contracts.ids import partition_of
from libs.telemetry.tracing import current_traceparent

E = TypeVar("E", bound=Event)

FEWEST_SILENCES = 2
"""An entry is buried for its workers' silence only when it was alone with the last one: not after the first."""


def stream_key(stream: str, partition: int) -> str:
    """The stream's key in one partition; the hash tag keeps all keys of a partition in one slot."""
    return f"{stream}:{{p{partition}}}"


def dead_key(partition: int) -> str:
    """The dead letters of one partition."""
    return f"dead:{{p{partition}}}"


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry in this worker's hands.

    Attributes:
        key: the stream it is on, with its partition.
        attempts: tries so far that came to nothing.
        silences: how many of them ended with their worker, which said nothing any more.
        max_attempts: how many failures are allowed, and how many silences.
        event_json: the event as it came.
    """

    key: str
    group: str
    consumer: str
    entry_id: str
    partition: int
    attempts: int
    max_attempts: int
    traceparent: str
    event_json: bytes
    silences: int = 0

    @property
    def failures(self) -> int:
        """Tries that failed and said so; a silence may have been the neighbour's fault."""
        return self.attempts - self.silences

    @property
    def last_try(self) -> bool:
        """Whether the entry is buried if this attempt fails."""
        return self.failures + 1 >= self.max_attempts

    @property
    def most_silences(self) -> int:
        """After so many the entry is buried."""
        return max(FEWEST_SILENCES, self.max_attempts)


@dataclass(frozen=True, slots=True)
class Address:
    """Where events go: the number of partitions decides."""

    partitions: int

    def partition(self, key: UUID) -> int:
        """The partition of a session or document."""
        return partition_of(key, self.partitions)

    def key(self, event: Event) -> str:
        """The stream key an event is published to."""
        return stream_key(event.stream, self.partition(event.partition_key))


def fields_of(
    event: Event, *, attempts: int = 0, silences: int = 0, traceparent: str | None = None
) -> list[str | bytes]:
    """An entry's fields and values in turn, as XADD wants them."""
    return [
        "event",
        event.model_dump_json().encode(),
        "attempts",
        str(attempts),
        "silences",
        str(silences),
        "traceparent",
        traceparent or current_traceparent(),
    ]
