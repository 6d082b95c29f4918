"""A new release: every process is replaced by another while people chat."""

import asyncio
from collections.abc import Sequence

from tests.fault.clients import Client, Message
from tests.fault.cluster import WORKERS
from tests.fault.run import Run

BETWEEN_SECONDS = 0.3


async def replace_everything(run: Run) -> Sequence[Message]:
    """One process after the other: the new one is ready, then the old one is told to stop; nobody notices."""
    done = asyncio.Event()
    clients: list[Client] = []

    async def chat_on(person: int) -> None:
        chats = 0
        while not done.is_set():
            client = run.client(f"person {person}, chat {chats}")
            clients.append(client)
            await client.chat()
            chats += 1

    async with asyncio.TaskGroup() as people:
        for person in range(run.plan.at_once):
            people.create_task(chat_on(person))
        try:
            await _replace(run)
        finally:
            done.set()
    return [message for client in clients for message in client.messages]


async def _replace(run: Run) -> None:
    for kind in ("history-api", *WORKERS, "gateway"):
        for member in run.cluster.of(kind):
            await asyncio.sleep(BETWEEN_SECONDS)
            run.nemesis.note(f"{member.name} is replaced")
            run.nemesis.stopped(member, await run.cluster.replace(member))
            run.figures["replaced"] += 1
