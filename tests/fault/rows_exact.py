"""Rows of trouble at exact moments: everything sent twice, and death on either side of a hop."""

from collections.abc import Callable

from tests.fault.checker import Expected
from tests.fault.clients import Habits
from tests.fault.cluster import WORKERS
from tests.fault.run import Plan

KILLS = tuple(f"kill-{kind}" for kind in (*WORKERS, "gateway"))

ROWS_EXACT: dict[int, Callable[[int], Plan]] = {
    11: lambda chats: Plan(
        "11 everything twice, submissions thrice",
        chats,
        habits=Habits(submissions=3, words=(30, 100)),
        faults=("lose-replies",),
        every_seconds=(0.1, 0.5),
        mutants=dict.fromkeys((*WORKERS, "gateway"), "doubled"),
        proxied=True,
        # Who resumes while a service has just lost its connection is told to try again.
        expected=Expected(errors=True),
        needs=("replies_lost",),
    ),
    12: lambda chats: Plan(
        "12 crash between commit and hop",
        chats,
        mutants=dict.fromkeys(WORKERS, "crashing"),
        # A dying process takes its neighbours' entries with it, each time one attempt of theirs.
        settings={"BUS_MAX_ATTEMPTS": "30"},
        needs=("crashes_before_hop", "crashes_behind_hop", "takeovers"),
    ),
    21: lambda chats: Plan(
        "21 kill -9 while another answer is asked for",
        chats,
        habits=Habits(agains=1.0),
        faults=KILLS,
        first=KILLS,
        every_seconds=(0.3, 1.2),
        # As in rows 1 and 2: who is killed that often may have one answer in hand five times, and is believed then.
        settings={"BUS_MAX_ATTEMPTS": "12"},
        needs=("others", "takeovers"),
    ),
}
