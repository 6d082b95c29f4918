"""Rows about what comes from outside: a new release of every service, and a model in trouble."""

from collections.abc import Callable

from tests.fault.clients import Habits
from tests.fault.nemesis import PASSING_TROUBLES
from tests.fault.replacing import replace_everything
from tests.fault.run import Plan
from tests.fault.troubled import ask_for_trouble, written_by_the_second

MODEL_TROUBLES = (*(f"model-{trouble}" for trouble in PASSING_TROUBLES), "model-cuts", "model-away")
_IMPATIENT = {
    "GENERATION_FIRST_TOKEN_TIMEOUT_SECONDS": "1",
    "GENERATION_BETWEEN_TOKENS_TIMEOUT_SECONDS": "1",
    "GENERATION_PATIENCE_SECONDS": "20",
    "BUS_MAX_ATTEMPTS": "12",
}

ROWS_OUTSIDE: dict[int, Callable[[int], Plan]] = {
    17: lambda chats: Plan(
        "17 everything replaced",
        0,
        # So many people who chat until everything is replaced, one chat after the other.
        at_once=max(2, chats // 6),
        habits=Habits(words=(10, 150)),
        meanwhile=replace_everything,
        needs=("replaced", "handed_back"),
    ),
    19: lambda chats: Plan(
        "19 model in trouble",
        chats,
        habits=Habits(words=(20, 100)),
        settings=_IMPATIENT,
        first=MODEL_TROUBLES,
        faults=MODEL_TROUBLES,
        every_seconds=(0.5, 1.5),
        meanwhile=ask_for_trouble,
        needs=("wanted_trouble",),
    ),
    119: lambda chats: Plan(
        "19 another model",
        chats,
        settings={**_IMPATIENT, "CHAT_MODEL": "first?status=503", "GENERATION_FALLBACK_MODEL": "second"},
        afterwards=written_by_the_second,
    ),
}
