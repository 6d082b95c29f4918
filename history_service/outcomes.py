"""What the use cases decide; the worker says it in the bus's words."""

from dataclasses import dataclass

from libs.contracts.events import TurnOpened
from libs.contracts.frames import Ended
from libs.contracts.values import Turn


@dataclass(frozen=True, slots=True)
class Accepted:
    """The question is stored; `opens` goes to retrieval, None while the turn waits for an earlier one."""

    turn: Turn
    queued: bool
    opens: TurnOpened | None = None


@dataclass(frozen=True, slots=True)
class Finished:
    """The answer has ended as `ended` says; `opens` is the session's next turn, if this end opened one."""

    turn: Turn
    ended: Ended
    opens: TurnOpened | None = None
