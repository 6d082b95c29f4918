"""How a handler's work ends: with the next event, and what else must happen in the same atomic step."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from libs.bus.scripts import HOP, Script
from libs.contracts.events import Event

Reply = Sequence[bytes]
"""What a hop script returns: `ok`, `gone` (the entry is not ours any more), or a step's own word and details."""


class Step(Protocol):
    """Something that shares the hop's script, such as a frame in the answer's log.

    Its script is put after `hop.lua`; its keys come after the hop's two, its arguments after the hop's.
    """

    script: Script

    def keys(self) -> Sequence[str]: ...

    def args(self) -> Sequence[str | bytes | int]: ...

    async def refused(self, reply: Reply) -> "Outcome | None":
        """What to do instead when the script answered neither `ok` nor `gone`; None lets go of the entry."""
        ...


class _Nothing:
    script = HOP

    def keys(self) -> Sequence[str]:
        return ()

    def args(self) -> Sequence[str | bytes | int]:
        return ()

    async def refused(self, reply: Reply) -> "Outcome | None":
        raise AssertionError(f"a plain hop cannot be refused, but Redis said {reply!r}")


@dataclass(frozen=True, slots=True)
class Outcome:
    """The entry is finished and `next`, if any, is published, together with `step`."""

    next: Event | None = None
    step: Step = _Nothing()  # noqa: RUF009 - stateless
