"""How a handler's work ends: with the next event, and what else must happen in the same atomic step."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from libs.bus.scripts import HOP, Script
from libs.contracts.events import Event
from libs.errors import EloquentError

Reply = Sequence[bytes]
"""What a hop script returns: `ok`, `gone` (the entry is not ours any more), or a step's own word and details."""


class EntryLost(EloquentError):  # noqa: N818 - nothing is wrong, the entry is just not ours to finish
    """Raised by a handler that found out that somebody else has its entry: let go of it and say nothing."""


class Step(Protocol):
    """Something that shares the hop's script, such as a frame in the answer's log.

    Its script is put after `hop.lua`; its keys come after the hop's two, its arguments after the hop's.
    """

    @property
    def script(self) -> Script: ...

    def keys(self, partition: int) -> Sequence[str]: ...

    def args(self, partition: int) -> Sequence[str | bytes | int]: ...

    async def refused(self, reply: Reply) -> "Outcome | None":
        """What to do instead when the script answered neither `ok` nor `gone`; None lets go of the entry."""
        ...


class _Nothing:
    script = HOP

    def keys(self, partition: int) -> Sequence[str]:  # noqa: ARG002
        return ()

    def args(self, partition: int) -> Sequence[str | bytes | int]:  # noqa: ARG002
        return ()

    async def refused(self, reply: Reply) -> "Outcome | None":
        raise AssertionError(f"a plain hop cannot be refused, but Redis said {reply!r}")


@dataclass(frozen=True, slots=True)
class Outcome:
    """The entry is finished and `next`, if any, is published, together with `step`."""

    next: Event | None = None
    step: Step = _Nothing()  # noqa: RUF009 - stateless
