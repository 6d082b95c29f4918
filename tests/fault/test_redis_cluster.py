"""Whole chats through a real cluster of three nodes, of which one goes away and one loses a slot in mid-answer."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from libs.bus.entry import stream_key
from libs.contracts.events import ContextRetrieved
from libs.contracts.ids import partition_of, session_uuid
from tests.fault.checker import Expected
from tests.fault.clients import Message
from tests.fault.cluster import Cluster
from tests.fault.run import Plan, Run, carry_out
from tests.fault.specials import STEADY, a_message
from tests.fault.test_short import SEED
from tests.polling import eventually
from tests.valkey_cluster import NODES, ValkeyCluster, running_valkey_cluster

PARTITIONS = 4

pytestmark = pytest.mark.fault


@pytest.fixture(scope="module")
async def nodes(running: tuple[Cluster, asyncio.TaskGroup]) -> AsyncIterator[ValkeyCluster]:
    folder = Path(tempfile.mkdtemp(prefix="eloquent-cluster-"))
    async with running_valkey_cluster(folder, running[0].guardian) as cluster:
        yield cluster
        # Before the nodes: whoever has lost all of them would wait for them.
        await running[0].stop()
        running[0].started = None
    shutil.rmtree(folder, ignore_errors=True)


async def test_chats_go_on_while_a_slot_moves_and_a_node_restarts(
    running: tuple[Cluster, asyncio.TaskGroup], nodes: ValkeyCluster
) -> None:
    """Everything that is promised with one server; people resume anywhere, ask twice and cancel meanwhile."""
    homes = {await nodes.owner(stream_key(ContextRetrieved.stream, partition)) for partition in range(PARTITIONS)}
    assert len(homes) == NODES
    plan = Plan(
        "redis cluster",
        12,
        # A node is away for longer than anybody is kept waiting.
        expected=Expected(errors=True),
        settings={"REDIS_URL": nodes.url, "BUS_PARTITIONS": str(PARTITIONS)},
        meanwhile=_trouble_in_mid_answer(nodes),
    )
    report = await carry_out(plan, SEED, *running)

    assert not report.violations, report.text()


def _trouble_in_mid_answer(nodes: ValkeyCluster) -> Callable[[Run], Awaitable[Sequence[Message]]]:
    async def meanwhile(run: Run) -> Sequence[Message]:
        client = run.client("in mid-answer", STEADY)
        first, second = a_message(client), a_message(client)
        for message in (first, second):
            message.outcome = "completed"
        async with asyncio.TaskGroup() as group:
            group.create_task(client.look(first, "send"))
            await _is_in_mid_answer(first)
            await nodes.move(_stream_of(first))
            run.nemesis.note("a slot has moved")
            group.create_task(client.look(second, "send"))
            await _is_in_mid_answer(second)
            await nodes.restart(await nodes.owner(_stream_of(second)))
            run.nemesis.note("a node was restarted")
        for message in (first, second):
            kinds = {chunk["type"] for _, chunk in message.views[0].chunks}
            if "source-document" not in kinds:
                run.violations.append(f"an answer without its source: {kinds}")
        return client.messages

    return meanwhile


def _stream_of(message: Message) -> str:
    session = session_uuid(message.session, message.caller.principal)
    return stream_key(ContextRetrieved.stream, partition_of(session, PARTITIONS))


async def _is_in_mid_answer(message: Message) -> None:
    async def has_begun() -> bool:
        return any(view.texts()[-1] for view in message.views)

    await eventually(has_begun, within_seconds=30)
    assert all(view.ending != "end" for view in message.views), "nothing came before all had come"
