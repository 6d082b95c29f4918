"""Bus and answer log on a real cluster of three nodes."""

import shutil
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

import libs.answers.scripts
import libs.bus.scripts
from deploy.local.processes import Guardian
from gateway.api_gateway.registry import Registry
from libs.answers.cancel import cancel
from libs.answers.hops import announce, end
from libs.answers.names import END_SEQ, FrameId, LogName
from libs.answers.subscriber import Subscriber
from libs.answers.writer import AnswerWriter
from libs.bus.bus import Bus
from libs.bus.connection import Redis, connect
from libs.bus.dead_letters import DeadLetters
from libs.bus.entry import Entry
from libs.bus.outcome import Outcome
from libs.bus.scripts import Script
from libs.config import RedisSettings
from libs.contracts.events import AnswerWritten, ContextRetrieved, QuestionAsked, TurnOpened
from libs.contracts.frames import Delta, Ended, Opened
from libs.contracts.ids import partition_of
from libs.contracts.values import Turn
from libs.errors import PermanentError
from tests.builders import a_turn
from tests.polling import eventually
from tests.valkey_cluster import NODES, ValkeyCluster, running_valkey_cluster

PARTITIONS = 4
MODULES = (libs.bus.scripts, libs.answers.scripts)
SCRIPTS = {name: made for module in MODULES for name, made in vars(module).items() if isinstance(made, Script)}
REFUSED = "the database refuses it"


@pytest.fixture(scope="module")
async def nodes(guardian: Guardian) -> AsyncIterator[ValkeyCluster]:
    folder = Path(tempfile.mkdtemp(prefix="eloquent-cluster-"))
    async with running_valkey_cluster(folder, guardian) as cluster:
        yield cluster
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
async def redis(nodes: ValkeyCluster) -> AsyncIterator[Redis]:
    async with connect(nodes.url) as client:
        await client.flushall()
        await client.script_flush()
        yield client


def _log(turn: Turn) -> LogName:
    return LogName(partition_of(turn.session_id, PARTITIONS), turn.answer_id)


def _a_session_in(partition: int) -> UUID:
    return next(session for session in iter(uuid4, None) if partition_of(session, PARTITIONS) == partition)


async def test_every_script_keeps_to_one_slot(nodes: ValkeyCluster, redis: Redis) -> None:
    """Each runs on a cluster, which refuses keys and channels of two slots: of questions, answers and dead letters."""
    settings = RedisSettings(redis_url=nodes.url, bus_partitions=PARTITIONS, bus_claim_seconds=0.5)
    firsts = [a_turn(session_id=_a_session_in(partition)) for partition in range(PARTITIONS)]
    nexts = {turn.answer_id: a_turn(session_id=turn.session_id) for turn in firsts}
    bus = Bus(settings, redis, group="all", on_death=lambda: None)
    writer = AnswerWriter(redis)

    @bus.on(QuestionAsked, concurrency=4)
    async def opens(asked: QuestionAsked) -> Outcome:
        turn = asked.turn
        if turn.question == REFUSED:
            raise PermanentError(REFUSED)
        return announce(turn, Opened(session_id=turn.session_id, question_id=turn.question_id), then=_opened(turn))

    @bus.on(TurnOpened, concurrency=4)
    async def retrieves(opened: TurnOpened) -> ContextRetrieved:
        return ContextRetrieved(turn=opened.turn, query=opened.turn.question)

    @bus.on(ContextRetrieved, concurrency=4)
    async def writes(context: ContextRetrieved, entry: Entry) -> Outcome:
        async with writer.attempt(entry, context.turn, model="m") as attempt:
            attempt.write(Delta(text="Ten seconds."))
            # Opened, started, and what an append brought.
            await eventually(lambda: _is_as_long(redis, context.turn, 3))
            return attempt.finish(AnswerWritten(turn=context.turn, status="completed", text="Ten seconds."))

    @bus.on(AnswerWritten, concurrency=4)
    async def ends(answer: AnswerWritten) -> Outcome:
        following = nexts.get(answer.turn.answer_id)
        ended = Ended(status=answer.status, digest="0" * 64)
        return end(answer.turn, ended, opens=_opened(following) if following else None)

    async with writer, bus:
        for turn in firsts:
            await bus.publish(QuestionAsked(turn=turn))
        refused = a_turn(question=REFUSED)
        await bus.publish(QuestionAsked(turn=refused))
        for turn in (*firsts, *nexts.values(), refused):
            await eventually(lambda turn=turn: _has_ended(redis, turn))  # type: ignore[misc]  # bound at once
        letters = DeadLetters(redis, partitions=PARTITIONS)
        [letter] = [letter async for letter in letters.all()]
        assert await letters.replay(letter)
        assert await cancel(redis, _log(a_turn()))
        await eventually(lambda: _has_run(nodes, "JANITOR"))

    assert [name for name in SCRIPTS if not await _has_run(nodes, name)] == []


def _opened(turn: Turn) -> TurnOpened:
    return TurnOpened(turn=turn)


async def _is_as_long(redis: Redis, turn: Turn, frames: int) -> bool:
    return bool(await redis.xlen(_log(turn).key) >= frames)


async def _has_ended(redis: Redis, turn: Turn) -> bool:
    top: Any = await redis.xrevrange(_log(turn).key, count=1)
    return bool(top) and FrameId.parse(top[0][0]).seq == END_SEQ


async def _has_run(nodes: ValkeyCluster, name: str) -> bool:
    return any([(await client.script_exists(SCRIPTS[name].sha))[0] for client in nodes.clients])


async def test_frames_are_heard_wherever_their_channel_lives(nodes: ValkeyCluster, redis: Redis) -> None:
    """One subscriber connection to each node, however many answers are read; a channel that moves is heard on."""
    heard: dict[str, list[bytes | None]] = {}
    async with Subscriber(redis) as subscriber:
        for partition in (*range(PARTITIONS), *range(PARTITIONS)):
            channel = LogName(partition, uuid4()).channel
            heard[channel] = []
            await subscriber.listen(channel, heard[channel].append).wait()
        assert [await _subscribers(client) for client in nodes.clients] == [1] * NODES
        await _all_hear(redis, heard, b"before")

        moving = next(iter(heard))
        await nodes.move(moving)
        await eventually(lambda: _hears(redis, moving, heard[moving], b"moved"))
        assert None in heard[moving][2:], "who may have missed a message was not told"
        await _all_hear(redis, heard, b"after")

        for channel, said in heard.items():
            subscriber.leave(channel, said.append)
        await eventually(lambda: _nobody_listens(nodes))


async def _all_hear(redis: Redis, heard: dict[str, list[bytes | None]], message: bytes) -> None:
    for channel, messages in heard.items():
        await eventually(lambda channel=channel, messages=messages: _hears(redis, channel, messages, message))  # type: ignore[misc]


async def _hears(redis: Redis, channel: str, heard: Sequence[bytes | None], message: bytes) -> bool:
    await redis.eval("return redis.call('SPUBLISH', KEYS[1], ARGV[1])", 1, channel, message)
    return message in heard


async def _subscribers(client: Redis) -> int:
    return len(await client.client_list(_type="pubsub"))


async def _nobody_listens(nodes: ValkeyCluster) -> bool:
    return not any([await client.pubsub_shardchannels() for client in nodes.clients])


async def test_gateways_know_whose_a_connection_is(redis: Redis) -> None:
    """All that API Gateway's connections have on Redis is in one slot."""
    one, other = Registry(redis), Registry(redis)
    await one.renew()
    await other.renew()
    await one.enter("abc=")

    assert await other.owner("abc=") == one.me
    assert await other.hand(one.me, "abc=", "said", "hello") == "taken"
    [callback] = await one.inbox()
    assert (callback.connection_id, callback.kind, callback.text) == ("abc=", "said", "hello")
    await one.taken([callback])
    assert await redis.xlen(f"callbacks:{{c}}:inbox:{one.me}") == 0
    await redis.zadd("callbacks:{c}:living", {one.me: 0})
    assert await other.hand(one.me, "abc=", "said", "hello?") == "dead"
    assert (await other.dead(), await other.dead()) == (one.me, None)
    assert await other.connections(one.me) == ["abc="]
    await other.leave("abc=", owner=one.me)
    await other.bury(one.me)
    assert not await one.renew()
    assert await other.owner("abc=") is None
