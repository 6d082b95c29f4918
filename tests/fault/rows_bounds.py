"""Rows about bounds: of memory for who reads slowly, of work for who comes in crowds, of time for what is left."""

from collections.abc import Callable

from tests.fault.clients import Habits
from tests.fault.cluster import WORKERS
from tests.fault.leftovers import SHORT_CACHES, all_gone
from tests.fault.overload import OVERLOAD_SETTINGS, overload
from tests.fault.run import Plan
from tests.fault.slow import slow_clients
from tests.fault.specials import STEADY

KEYS_TIMES = 10
"""Chats of the row that counts keys, for each that other rows have."""
SHORT_LIVED = dict.fromkeys((*WORKERS, "gateway"), "short_lived")

ROWS_BOUNDS: dict[int, Callable[[int], Plan]] = {
    9: lambda _chats: Plan(
        "9 slow clients",
        0,
        habits=STEADY,
        # Nothing is killed: who is slow on a busy machine is not to be taken for silent.
        settings={"GENERATION_ANSWER_MAX_TOKENS": "100000", "BUS_CLAIM_SECONDS": "10"},
        meanwhile=slow_clients,
        finish_seconds=150.0,
    ),
    16: lambda _chats: Plan("16 overload", 0, settings=OVERLOAD_SETTINGS, meanwhile=overload, finish_seconds=180.0),
    20: lambda chats: Plan(
        "20 keys of many chats",
        KEYS_TIMES * chats,
        habits=Habits(words=(1, 10), second_message=0.2),
        settings=SHORT_CACHES,
        mutants=SHORT_LIVED,
        afterwards=all_gone,
    ),
}
