"""What some rows of the table do beside chatting: everything at one exact moment after the other."""

import asyncio
import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any
from uuid import uuid4

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from libs.bus.entry import stream_key
from libs.contracts.events import QuestionAsked
from tests.fault.clients import Client, Habits, Message, View
from tests.fault.model import question_named
from tests.fault.mutants.poisoned import CANCELS, KILLS, RAISES
from tests.fault.run import Run
from tests.polling import eventually

STEADY = Habits(drops=0.0, repeats=0.0, cancels=0.0, second_message=0.0)
WORDS = 60
LONG_WORDS = 600
"""Of an answer that is to be cancelled: twelve seconds, in which a client on a busy machine has the time to say so."""
EVERY = 7
"""Chunks between two resumes."""
MALFORMED: tuple[Any, ...] = (-1, 1.5, "first" * 20, [], 1 << 80)
NO_EVENTS: Sequence[dict[Any, Any]] = (
    {"nothing": "at all"},
    {"event": b"\xff\xfe", "attempts": "0"},
    {"event": "{}", "attempts": "none"},
    {"event": '{"turn": {"question": ""}}', "attempts": "0", "traceparent": "00-bad"},
)


def a_message(
    client: Client,
    *,
    question: str | None = None,
    session: str | None = None,
    number: int = 0,
    words: int = WORDS,
) -> Message:
    """A question of this client's, remembered as theirs."""
    asked = question or question_named(uuid4().hex[:12], words=words)
    message = Message(session or f"s-{uuid4().hex}", f"m{number}", asked, client.caller)
    client.messages.append(message)
    return message


async def resume_everywhere(run: Run) -> Sequence[Message]:
    """At every k-th chunk somebody attaches, on any gateway: from the beginning, and from where the first one is."""
    client = run.client("resumes", STEADY)
    message = a_message(client)
    async with asyncio.TaskGroup() as group:
        first = group.create_task(client.look(message, "send"))
        for at in range(1, WORDS, EVERY):

            async def reached(at: int = at) -> bool:
                return bool(message.views and len(message.views[0].chunks) >= at) or first.done()

            await eventually(reached, within_seconds=30)
            group.create_task(client.look(message, "resume"))
            known = replace(message.views[0], chunks=list(message.views[0].chunks))
            if known.answer_id:
                group.create_task(client.look(message, "resume", after=known))
        # From the future, and malformed: refused, and nobody else notices.
        await _refused_resumes(run, message)
        group.create_task(_stranger(run, message))
    # It is stored: who comes now asks again.
    await client.look(message, "send")
    return client.messages


async def _refused_resumes(run: Run, message: Message) -> None:
    address = next(iter(run.cluster.sockets().values()))
    for wrong in MALFORMED:
        async with connect(address, proxy=None, compression=None) as socket:
            headers = {"authorization": f"Bearer {message.caller.token}"}
            frame = {"type": "resume", "requestId": "r", "id": message.session, "headers": headers}
            await socket.send(json.dumps({**frame, "messageId": message.answer_id, "cursor": wrong}))
            with suppress(ConnectionClosed):
                async with asyncio.timeout(30):
                    reply = json.loads(await socket.recv())
                    while reply["type"] in {"start", "chunk"}:
                        reply = json.loads(await socket.recv())
                if reply["type"] not in {"error", "no-active"}:
                    run.violations.append(f"resume after {wrong!r} was answered {reply}")


async def _stranger(run: Run, message: Message) -> None:
    stranger = run.client("stranger", STEADY)
    theirs = Message(message.session, message.message_id, message.question, stranger.caller)
    view = await stranger.look(theirs, "resume")
    if view.chunks or view.ending != "no-active":
        run.violations.append(f"a stranger's resume was answered {view}")


async def cancel_in_every_phase(run: Run) -> Sequence[Message]:
    """Cancelled at once, in every phase, in mid-text, twice, while queued, too late, and by a stranger."""
    client = run.client("cancels", STEADY)
    async with asyncio.TaskGroup() as group:
        for at in (0, 1, 2, 3, 4, 5, 8, 12, 20):
            message = a_message(client, words=LONG_WORDS)
            message.outcome = "cancelled"
            group.create_task(client.look(message, "send", cancel_at=at))
        twice = a_message(client, words=LONG_WORDS)
        twice.outcome = "cancelled"
        for at in (10, 12):
            group.create_task(client.look(twice, "send", cancel_at=at))
        late = a_message(client)
        late.outcome = "completed"
        group.create_task(_cancel_too_late(client, late))
        group.create_task(_cancel_while_queued(client))
        group.create_task(_cancelled_by_a_stranger(run, client))
    return client.messages


async def _cancel_too_late(client: Client, message: Message) -> None:
    view = await client.look(message, "send")
    await client.look(message, "send", cancel_at=len(view.chunks) - 1)


async def _cancel_while_queued(client: Client) -> None:
    first = a_message(client)
    second = a_message(client, session=first.session, number=1)
    first.outcome, second.outcome = "completed", "cancelled"
    async with asyncio.TaskGroup() as group:
        group.create_task(client.look(first, "send"))
        await _shows(first.views, 4)
        await client.look(second, "send", cancel_at=2)


async def _cancelled_by_a_stranger(run: Run, client: Client) -> None:
    message = a_message(client, session=str(uuid4()))
    message.outcome = "completed"
    stranger = run.client("canceller", STEADY)
    theirs = Message(message.session, message.message_id, message.question, stranger.caller)
    async with asyncio.TaskGroup() as group:
        group.create_task(client.look(message, "send"))
        await _shows(message.views, 10)
        view = await stranger.look(theirs, "send", cancel_at=0)
        if view.texts() != [""]:
            run.violations.append(f"a stranger was shown {view.texts()}")
        await stranger.look(theirs, "resume", cancel_at=0)


async def _shows(views: Sequence[View], chunks: int) -> None:
    async def shown() -> bool:
        return any(len(view.chunks) >= chunks for view in views)

    await eventually(shown, within_seconds=30)


async def poison(run: Run) -> Sequence[Message]:
    """Entries that are no events, and questions whose handler raises; neighbours are chatting meanwhile."""
    async with run.cluster.redis() as redis:
        for fields in NO_EVENTS:
            await redis.xadd(stream_key(QuestionAsked.stream, 0), fields)
    client = run.client("poison", STEADY)
    async with asyncio.TaskGroup() as group:
        for kind in (RAISES, CANCELS):
            group.create_task(client.look(_poisoned(client, kind), "send"))
    return client.messages


async def deadly_poison(run: Run) -> Sequence[Message]:
    """A question that kills the process of its handler, each time."""
    client = run.client("deadly poison", STEADY)
    await client.look(_poisoned(client, KILLS), "send")
    return client.messages


def _poisoned(client: Client, kind: str) -> Message:
    message = a_message(client, question=f"{question_named(uuid4().hex[:12], words=WORDS)} {kind}")
    message.outcome = "failed"
    return message


POISONED = len(NO_EVENTS) + 2
"""Dead letters that `poison` makes."""
