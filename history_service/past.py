"""How much of a session's past a new turn carries."""

from collections.abc import Sequence
from dataclasses import dataclass

from libs.contracts.values import PastMessage


@dataclass(frozen=True, slots=True)
class PastLimits:
    """At most so many turns, and so many characters over all of them."""

    turns: int
    characters: int


@dataclass(frozen=True, slots=True)
class PastTurn:
    """An ended turn that has an answer to show."""

    question: str
    answer: str


def recent_messages(latest_first: Sequence[PastTurn], limits: PastLimits) -> tuple[PastMessage, ...]:
    """The latest turns that fit, whole, oldest first.

    The last turn is there even when it alone is too long, its answer cut: a follow-up makes no sense without it.
    """
    kept: list[PastTurn] = []
    room = limits.characters
    for turn in latest_first[: limits.turns]:
        room -= len(turn.question) + len(turn.answer)
        if room < 0:
            if not kept:
                kept.append(PastTurn(turn.question, turn.answer[: max(0, limits.characters - len(turn.question))]))
            break
        kept.append(turn)
    return tuple(
        message
        for turn in reversed(kept)
        for message in (PastMessage(role="user", text=turn.question), PastMessage(role="assistant", text=turn.answer))
    )
