"""Processes are killed outright while answers are written; everybody gets the whole text all the same."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from uuid import uuid4

import asyncpg

from deploy.local.transcript import Transcript
from tests.e2e.model import Model, name_of, new_question, text_of, words_of
from tests.e2e.people import Person
from tests.e2e.stack import Stack
from tests.polling import eventually

SEEN = 10


class Chat:
    """A question of a session of its own, and what its asker has seen of the answer."""

    def __init__(self, person: Person, tasks: asyncio.TaskGroup) -> None:
        self.person = person
        self.question = new_question()
        self.session = uuid4().hex
        self.seen = Transcript()
        self.task = tasks.create_task(person.listen_to(self.seen, self.session, self.question))

    async def shows(self, text: str) -> None:
        async def shown() -> bool:
            return self.seen.text == text

        await eventually(shown, within_seconds=30)

    async def is_right(self, model: Model) -> None:
        """The asker saw what is stored, which is the whole text of one attempt."""
        [stored] = await self.person.answers(self.session)
        attempts = model.attempts[name_of(self.question)]
        assert stored["status"] == "completed"
        assert stored["content"] in {text_of(self.question, attempt=number + 1) for number in range(attempts)}
        assert self.seen.finished
        assert (self.seen.message_id, self.seen.text) == (stored["id"], stored["content"])
        assert list(self.seen.citations) == [1]


async def test_a_killed_gateway_is_resumed(stack: Stack, guest: Person, model: Model) -> None:
    """The client comes back to the same port and the answer goes on, without another attempt."""
    async with asyncio.TaskGroup() as tasks:
        chat = Chat(guest, tasks)
        pause = model.pause(chat.question, SEEN)
        await chat.shows("".join(words_of(chat.question)[:SEEN]))
        await stack.kill_service("gateway")
        pause.go_on()

    await chat.is_right(model)
    assert model.attempts[name_of(chat.question)] == 1


async def test_every_worker_kind_is_killed_while_twenty_chats_run(stack: Stack, guest: Person, model: Model) -> None:
    """Each with chats in its hands: all twenty end completed, and their askers saw what is stored."""
    async with asyncio.TaskGroup() as tasks:
        async with nothing_is_stored(stack) as waiting:
            chats = [Chat(guest, tasks) for _ in range(6)]
            await eventually(waiting, within_seconds=20)
            await stack.kill_service("history-worker")

        with model.embeddings_held():
            searching = [Chat(guest, tasks) for _ in range(7)]

            async def all_search() -> bool:
                return {name_of(chat.question) for chat in searching} <= model.held_embeddings

            await eventually(all_search, within_seconds=20)
            await stack.kill_service("retrieval")

        writing = [Chat(guest, tasks) for _ in range(7)]
        for chat in writing:
            model.pause(chat.question, SEEN)
        for chat in writing:
            await chat.shows("".join(words_of(chat.question)[:SEEN]))
        await stack.kill_service("generation")

    for chat in (*chats, *searching, *writing):
        await chat.is_right(model)
    assert all(model.attempts[name_of(chat.question)] > 1 for chat in writing)


async def test_a_killed_valkey_costs_no_answer(stack: Stack, guest: Person, model: Model) -> None:
    """Those under way come to their end, and a question that is asked while it is away is answered too."""
    async with asyncio.TaskGroup() as tasks:
        chats = [Chat(guest, tasks) for _ in range(3)]
        pauses = [model.pause(chat.question, SEEN) for chat in chats]
        for chat in chats:
            await chat.shows("".join(words_of(chat.question)[:SEEN]))
        chats.append(Chat(guest, tasks))
        await stack.kill_service("valkey")
        for pause in pauses:
            pause.go_on()

    for chat in chats:
        await chat.is_right(model)


@asynccontextmanager
async def nothing_is_stored(stack: Stack) -> AsyncIterator[Callable[[], Awaitable[bool]]]:
    """Messages are locked for the length of the block; gives a probe for whether somebody waits to store one."""
    connection = await asyncpg.connect(stack.database_url)
    try:
        async with connection.transaction():
            await connection.execute("LOCK TABLE chat_messages IN ACCESS EXCLUSIVE MODE")

            async def somebody_waits() -> bool:
                return bool(await connection.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"))

            yield somebody_waits
    finally:
        await connection.close()
