"""The table of faults: one plan a row, at the size it is asked for; and the flaws that some rows must notice."""

from collections.abc import Callable
from dataclasses import replace

from tests.fault.checker import Expected
from tests.fault.clients import Habits
from tests.fault.cluster import WORKERS
from tests.fault.failover import fail_over
from tests.fault.rows_bounds import ROWS_BOUNDS
from tests.fault.rows_exact import KILLS, ROWS_EXACT
from tests.fault.rows_outside import ROWS_OUTSIDE
from tests.fault.run import Plan
from tests.fault.specials import POISONED, STEADY, cancel_in_every_phase, deadly_poison, poison, resume_everywhere

STOPS = tuple(f"term-{kind}" for kind in (*WORKERS, "gateway"))
ZOMBIES = tuple(f"zombie-{kind}" for kind in WORKERS)
EVERYTHING = (
    *KILLS,
    *STOPS,
    *ZOMBIES,
    *("kill-history-api", "zombie-gateway", "kill-valkey", "cut-pubsub", "cut-valkey"),
    *("cut-postgres", "restart-postgres", "forget-scripts"),
)
SWEEPER = {"HISTORY_SWEEP_SECONDS": "1", "HISTORY_SILENT_SECONDS": "4", "GATEWAY_UNTAKEN_SECONDS": "5"}
"""What mends what Redis has forgotten."""
MANY_ATTEMPTS = {"BUS_MAX_ATTEMPTS": "12"}
"""What lost its worker five times is given up, and rightly so: on a busy machine some answers would be."""
LONG = Habits(words=(60, 200))

_ROWS: dict[int, Callable[[int], Plan]] = {
    1: lambda chats: Plan(
        "1 kill -9",
        chats,
        habits=Habits(agains=0.25),
        faults=KILLS,
        first=KILLS,
        every_seconds=(0.3, 1.2),
        settings=MANY_ATTEMPTS,
    ),
    2: lambda chats: Plan(
        "2 zombies",
        chats,
        faults=ZOMBIES,
        first=ZOMBIES,
        # Longer than anybody sleeps: who wakes up finds an answer that is still being written.
        habits=replace(LONG, words=(150, 300)),
        mutants={"generation": "deaf"},
        settings=MANY_ATTEMPTS,
        needs=("refused_zombie_appends",),
    ),
    3: lambda chats: Plan("3 SIGTERM", chats, faults=STOPS, first=STOPS, habits=LONG),
    4: lambda chats: Plan(
        "4 redis killed",
        chats,
        faults=("kill-valkey",),
        every_seconds=(1.0, 3.0),
        habits=LONG,
        needs=("kill-valkey",),
    ),
    5: lambda chats: Plan(
        "5 redis forgets",
        chats,
        # So many and no more: a turn that is lost six times is given up, and rightly so.
        first=("roll-back-valkey", "flush-valkey", "roll-back-valkey", "flush-valkey"),
        every_seconds=(3.0, 5.0),
        habits=LONG,
        settings=SWEEPER,
        expected=Expected(errors=True),
    ),
    6: lambda chats: Plan(
        "6 failover and back",
        chats,
        habits=LONG,
        # As in production: how busy those are who wait depends on it. Nothing is killed, so nothing is taken over.
        settings={"BUS_CLAIM_SECONDS": "15"},
        proxied=True,
        # Who resumes meanwhile is told to try again; who asks waits.
        expected=Expected(errors=True),
        meanwhile=fail_over,
        needs=("failover", "restart"),
    ),
    7: lambda chats: Plan(
        "7 bad networks",
        chats,
        faults=("network",),
        every_seconds=(0.2, 0.8),
        habits=LONG,
        proxied=True,
        expected=Expected(errors=True),
    ),
    8: lambda chats: Plan("8 pub/sub killed", chats, faults=("cut-pubsub",), every_seconds=(0.9, 1.1)),
    10: lambda chats: Plan(
        "10 poison",
        chats,
        mutants={"retrieval": "poisoned"},
        settings={"BUS_MAX_ATTEMPTS": "3"},
        expected=Expected(dead_letters=POISONED),
        meanwhile=poison,
    ),
    110: lambda chats: Plan(
        "10 deadly poison",
        chats,
        mutants={"retrieval": "poisoned"},
        # Who is slow on a busy machine is not to be taken for silent: so few silences are for the poison alone.
        settings={"BUS_MAX_ATTEMPTS": "3", "BUS_CLAIM_SECONDS": "3"},
        expected=Expected(dead_letters=1),
        meanwhile=deadly_poison,
    ),
    **ROWS_EXACT,
    **ROWS_OUTSIDE,
    **ROWS_BOUNDS,
    13: lambda chats: Plan("13 resumes", chats, habits=STEADY, gapless=True, meanwhile=resume_everywhere),
    14: lambda chats: Plan("14 cancels", chats, embedding_seconds=0.2, meanwhile=cancel_in_every_phase),
    15: lambda chats: Plan("15 two quick messages", chats, habits=Habits(drops=0.0, second_message=1.0), at_once=60),
    18: lambda chats: Plan(
        "18 postgres",
        chats,
        faults=("cut-postgres", "restart-postgres", "stop-postgres", "deadlock-postgres"),
        first=("stop-postgres", "deadlock-postgres"),
        every_seconds=(0.5, 2.0),
        habits=LONG,
        # Who resumes meanwhile is told to try again; who asks waits.
        expected=Expected(errors=True),
    ),
    100: lambda chats: Plan(
        "everything",
        chats,
        faults=EVERYTHING,
        every_seconds=(0.2, 1.5),
        habits=replace(LONG, words=(10, 150)),
        settings=MANY_ATTEMPTS,
        expected=Expected(errors=True),
    ),
}
ROWS = tuple(sorted(_ROWS))


def row(number: int, chats: int) -> Plan:
    """The plan of a row of the table, with so many chats."""
    return _ROWS[number](chats)


def mutant(name: str) -> Plan:
    """A plan that must find violations, as the services it names have this flaw."""
    plan, kinds = _MUTANTS[name]
    return replace(plan, title=f"mutant {name}", mutants=dict.fromkeys(kinds, name), finish_seconds=5.0)


_MUTANTS: dict[str, tuple[Plan, tuple[str, ...]]] = {
    "no_fence": (
        Plan(
            "",
            40,
            # A few at a time, so that there are answers under way for many zombies.
            at_once=12,
            faults=("zombie-generation",),
            every_seconds=(0.3, 0.6),
            habits=replace(STEADY, words=(100, 200)),
        ),
        ("generation",),
    ),
    "no_gap_fill": (replace(row(8, 30), habits=replace(STEADY, words=(60, 150))), ("gateway",)),
    "read_before_subscribe": (row(13, 10), ("gateway",)),
    "ack_before_commit": (
        Plan(
            "",
            30,
            habits=STEADY,
            faults=("kill-history", "kill-retrieval"),
            every_seconds=(0.1, 0.2),
            embedding_seconds=0.3,
        ),
        ("history", "retrieval"),
    ),
}
MUTANTS = tuple(_MUTANTS)
