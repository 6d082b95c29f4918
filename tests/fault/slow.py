"""Clients that read as slowly as a bad line lets them, and what they cost others."""

import asyncio
import socket
import statistics
import time
from collections.abc import Sequence
from typing import cast
from urllib.parse import urlsplit
from uuid import uuid4

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.bench.usage import Usage
from tests.fault.clients import Client, Message, View
from tests.fault.model import question_named
from tests.fault.run import Run
from tests.fault.specials import STEADY, a_message

BYTES_PER_SECOND = 1024
SLOW_SECONDS = 30.0
"""How long the many read slowly; then their line is good again, or a run would last as long as their answers."""
READERS = 60
LONG_WORDS = 5_000
"""Of the answer that all of them read: 90 KB, more than a socket's buffers hold."""
PATIENT_WORDS = 1_200
"""Of the answer that is read slowly to its end."""
QUICK_SECONDS = 0.004
"""Between two words of the long answers."""
NEIGHBOURS = 20
NEIGHBOUR_WORDS = 50
NEIGHBOUR_MAX_DELAY_SECONDS = 0.5
READER_MAX_BYTES = 256 * 1024
"""What a slow reader may cost a gateway: 500 waiting frames and a full write buffer."""
_RECEIVE_BUFFER_BYTES = 4096


class _SlowSocket:
    """Takes a frame, and rests as long as its bytes would have taken."""

    def __init__(self, connection: ClientConnection, until: float) -> None:
        self._connection = connection
        self._until = until

    async def send(self, text: str) -> None:
        await self._connection.send(text)

    async def recv(self) -> str:
        text = str(await self._connection.recv())
        if time.monotonic() < self._until:
            await asyncio.sleep(len(text.encode()) / BYTES_PER_SECOND)
        return text


async def slow_clients(run: Run) -> Sequence[Message]:
    """Many read one long answer slowly, one reads its own slowly to the end; their neighbours notice nothing."""
    client, model = run.client("slow", STEADY), run.cluster.model
    alone = await _neighbours(run, "before")
    between_seconds, model.between_seconds = model.between_seconds, QUICK_SECONDS
    try:
        before = _gateway_bytes(run)
        async with asyncio.TaskGroup() as group:
            patient = a_message(client, question=question_named(uuid4().hex[:12], words=PATIENT_WORDS))
            group.create_task(_read(client, patient, "send", until=float("inf")))
            long = a_message(client, question=question_named(uuid4().hex[:12], words=LONG_WORDS))
            until = time.monotonic() + SLOW_SECONDS
            group.create_task(_read(client, long, "send", until=until))
            # Asked by then, or they would be told that there is no answer to resume.
            await asyncio.sleep(1.0)
            for _ in range(READERS):
                group.create_task(_read(client, long, "resume", until=until))
            await asyncio.sleep(SLOW_SECONDS / 2)
            model.between_seconds = between_seconds
            beside = await _neighbours(run, "beside")
            grown = max(_gateway_bytes(run) - before, 0)
    finally:
        model.between_seconds = between_seconds
    _judge(run, alone, beside, grown)
    return client.messages


def _judge(run: Run, alone: float, beside: float, grown: int) -> None:
    slow = READERS + 2
    run.figures.update(neighbour_ms_alone=round(alone * 1000), neighbour_ms_beside=round(beside * 1000))
    run.figures["gateway_kib_per_slow_reader"] = grown // slow // 1024
    if beside > alone + NEIGHBOUR_MAX_DELAY_SECONDS:
        run.violations.append(f"slow clients delay others: {alone:.2f} s alone, {beside:.2f} s beside them")
    if grown > slow * READER_MAX_BYTES:
        run.violations.append(f"{slow} slow clients cost the gateways {grown / 2**20:.1f} MiB")


async def _neighbours(run: Run, name: str) -> float:
    """The median of how long a whole answer takes those who read as they should."""
    client = run.client(f"neighbours {name}", STEADY)

    async def one() -> float:
        began = time.monotonic()
        await client.look(a_message(client, question=question_named(uuid4().hex[:12], words=NEIGHBOUR_WORDS)), "send")
        return time.monotonic() - began

    seconds = await asyncio.gather(*(one() for _ in range(NEIGHBOURS)))
    run.messages += client.messages
    return statistics.median(seconds)


async def _read(client: Client, message: Message, how: str, *, until: float) -> None:
    name, address = next(iter(client._sockets().items()))
    view = View(how, name, time.time())
    message.views.append(view)
    message.sent_at = message.sent_at or view.asked_at
    parts = urlsplit(address)
    with socket.socket() as line:
        # Little room in the kernel, and none to speak of in the client: what is not read stays with the gateway.
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
        line.setblocking(False)
        await asyncio.get_running_loop().sock_connect(line, (parts.hostname, parts.port))
        async with connect(address, sock=line, proxy=None, compression=None, max_queue=1, ping_interval=None) as it:
            try:
                slow = cast("ClientConnection", _SlowSocket(it, until))
                await client._read(slow, message, view, drop_at=None, cancel_at=None, goes_on=False)
            except ConnectionClosed as error:
                view.error = f"a slow client was dropped: {error}"


def _gateway_bytes(run: Run) -> int:
    gateways = {member.name: member.child.pid for member in run.cluster.of("gateway") if member.child is not None}
    return sum(Usage(gateways).memory_bytes().values())
