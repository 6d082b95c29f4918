"""Questions that bring the model into trouble, each kind of it, and answers that another model writes."""

import asyncio
from collections.abc import Sequence
from uuid import uuid4

from tests.fault.clients import Message
from tests.fault.model import TROUBLES, question_named
from tests.fault.run import Run
from tests.fault.specials import STEADY, WORDS, a_message

HARMLESS = {"half"}
_MODELS = "SELECT model, status, count(*) AS answers FROM chat_messages WHERE role = 'assistant' GROUP BY 1, 2"


async def ask_for_trouble(run: Run) -> Sequence[Message]:
    """One question for each kind of trouble that does not pass: its answer says that it is not whole."""
    clients = []
    async with asyncio.TaskGroup() as group:
        for trouble in TROUBLES:
            client = run.client(trouble, STEADY)
            clients.append(client)
            question = f"{question_named(uuid4().hex[:12], words=WORDS)} trouble-{trouble}"
            message = a_message(client, question=question)
            message.outcome = "completed" if trouble in HARMLESS else "failed"
            run.figures["wanted_trouble"] += 1
            group.create_task(client.look(message, "send"))
    return [message for client in clients for message in client.messages]


async def written_by_the_second(run: Run) -> None:
    """Every completed answer says that the second model wrote it."""
    connection = await run.cluster.connect()
    try:
        rows = await connection.fetch(_MODELS)
    finally:
        await connection.close()
    for row in rows:
        if row["status"] == "completed" and row["model"] != "second":
            run.violations.append(f"{row['answers']} answers are said to be written by {row['model']}")
        run.figures["written_by_the_second"] += row["answers"] * (row["model"] == "second")
