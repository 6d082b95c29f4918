"""No flaw of ours: fail points on both sides of the hop, where a process dies at the worst moment.

What a stage has committed is committed; its entry is finished or it is not. Every stream has questions that meet each
of the two points once.
"""

import hashlib
import json
import os
import signal

import structlog

from libs.bus.entry import Entry
from libs.bus.outcome import Outcome, Reply
from libs.bus.worker import Worker

log = structlog.get_logger()

EVERY = 40
"""One question in so many dies at a point."""


def put_in() -> None:
    """Kill -9 before the script of the hop is sent, or when its reply has come and nobody has looked at it."""
    hop = Worker._hop

    async def deadly(self: Worker, entry: Entry, outcome: Outcome) -> Reply:  # type: ignore[type-arg]
        if _meets("before", entry):
            log.warning("dies before the hop")
            os.kill(os.getpid(), signal.SIGKILL)
        reply = await hop(self, entry, outcome)
        if _meets("behind", entry):
            log.warning("dies behind the hop")
            os.kill(os.getpid(), signal.SIGKILL)
        return reply

    Worker._hop = deadly  # type: ignore[method-assign]


def _meets(point: str, entry: Entry) -> bool:
    # An entry that has changed hands is let through: one death for each.
    if entry.attempts:
        return False
    answer_id = json.loads(entry.event_json)["turn"]["answer_id"]
    digest = hashlib.sha256(f"{point}/{entry.key}/{answer_id}".encode()).digest()
    return int.from_bytes(digest[:4]) % EVERY == 0
