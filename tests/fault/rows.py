"""The table of faults of docs: one plan a row, at the size it is asked for."""

from tests.fault.checker import Expected
from tests.fault.clients import Habits
from tests.fault.cluster import WORKERS
from tests.fault.run import Plan

KILLS = tuple(f"kill-{kind}" for kind in (*WORKERS, "gateway"))
STOPS = tuple(f"term-{kind}" for kind in (*WORKERS, "gateway"))
ZOMBIES = tuple(f"zombie-{kind}" for kind in WORKERS)
STEADY = Habits(drops=0.0, repeats=0.0, cancels=0.0, second_message=0.0)


def row(number: int, chats: int) -> Plan:
    """The plan of a row of the table, with so many chats."""
    match number:
        case 1:
            return Plan("1 kill -9", chats, faults=KILLS, first=KILLS, every_seconds=(0.3, 1.2))
        case 2:
            return Plan("2 zombies", chats, faults=ZOMBIES, first=ZOMBIES, habits=Habits(words=(60, 200)))
        case 8:
            return Plan("8 pub/sub killed", chats, faults=("cut-pubsub",), every_seconds=(0.9, 1.1))
        case 15:
            return Plan("15 two quick messages", chats, habits=Habits(drops=0.0, second_message=1.0), at_once=60)
        case _:
            raise KeyError(number)


ROWS = (1, 2, 8, 15)
__all__ = ["ROWS", "Expected", "row"]
