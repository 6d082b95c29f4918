"""No flaw of ours: a handler that some questions break, each in the way that it names."""

import asyncio
import os
import signal

from libs.contracts.events import ContextRetrieved, TurnOpened
from retrieval_service import retrieve as module
from retrieval_service import wiring

RAISES, CANCELS, KILLS = "poison-raises", "poison-cancels", "poison-kills"


def put_in() -> None:
    """Retrieval finds nothing for these questions."""
    retrieve = module.retrieve

    async def poisoned(opened: TurnOpened, **ports: object) -> ContextRetrieved:
        question = opened.turn.question
        if RAISES in question:
            raise ValueError(RAISES)
        if CANCELS in question:
            raise asyncio.CancelledError(CANCELS)
        if KILLS in question:
            os.kill(os.getpid(), signal.SIGKILL)
        return await retrieve(opened, **ports)  # type: ignore[arg-type]

    vars(wiring)["retrieve"] = poisoned
