"""Five times the load that the cluster can take: who is refused is told so, who is accepted is answered."""

import asyncio
import time
from collections.abc import Sequence
from uuid import uuid4

from tests.fault.clients import Client, Message
from tests.fault.model import BETWEEN_SECONDS, question_named
from tests.fault.run import Run
from tests.fault.specials import STEADY, a_message

WORDS = 50
PLACES_PER_WORKER = 2
OVERLOAD_SETTINGS = {"GENERATION_CONCURRENCY": str(PLACES_PER_WORKER), "GATEWAY_MAX_BACKLOG": "12"}
"""So few answers at once that a laptop can be asked for five times as many."""
FIVE_TIMES = 5
SECONDS = 60.0
RECOVERY_SECONDS = 10.0
AS_IDLE_SECONDS = 1.0
"""To the first chunk of an answer's text, when nothing is in front of it."""
REFUSAL = "Ask again in"


async def overload(run: Run) -> Sequence[Message]:
    """Everybody asks once; refused questions are given back, as nothing of them may be stored."""
    per_second = FIVE_TIMES * PLACES_PER_WORKER * run.plan.size.generation / (WORDS * BETWEEN_SECONDS)
    client = run.client("crowd", STEADY)
    asked: list[Message] = []
    async with asyncio.TaskGroup() as group:
        began = time.monotonic()
        while time.monotonic() < began + SECONDS:
            message = Message(f"s-{uuid4().hex}", "m0", question_named(uuid4().hex[:12], words=WORDS), client.caller)
            asked.append(message)
            group.create_task(client.look(message, "send"))
            await asyncio.sleep(max(0.0, began + len(asked) / per_second - time.monotonic()))
        flood_ended = time.monotonic()
        recovery = group.create_task(_recovered(client, flood_ended))
    refused = [message for message in asked if message.views[0].ending == "error" and REFUSAL in message.views[0].error]
    accepted = [message for message in asked if message not in refused]
    run.figures.update(offered=len(asked), refused=len(refused), accepted=len(accepted))
    run.figures["recovery_ms"] = round(recovery.result() * 1000)
    if not refused:
        run.violations.append("nobody was refused")
    if recovery.result() > RECOVERY_SECONDS:
        run.violations.append(f"the first good answer came {recovery.result():.1f} s behind the flood")
    await _not_stored(run, refused)
    return [*accepted, *client.messages]


async def _recovered(client: Client, since: float) -> float:
    """How long it took until a question was answered as if nothing had been."""
    while time.monotonic() < since + 6 * RECOVERY_SECONDS:
        message = a_message(client, question=question_named(uuid4().hex[:12], words=WORDS))
        began = time.monotonic()
        view = await client.look(message, "send")
        if REFUSAL in view.error:
            client.messages.remove(message)
            await asyncio.sleep(0.5)
        elif time.monotonic() - began < WORDS * BETWEEN_SECONDS + AS_IDLE_SECONDS:
            return began - since
    return time.monotonic() - since


async def _not_stored(run: Run, refused: Sequence[Message]) -> None:
    connection = await run.cluster.connect()
    try:
        ids = [message.answer_id for message in refused]
        stored = await connection.fetchval("SELECT count(*) FROM chat_messages WHERE message_id = ANY($1::uuid[])", ids)
    finally:
        await connection.close()
    if stored:
        run.violations.append(f"{stored} refused questions are stored")
