"""What goes wrong stays with whom it concerns, and is said."""

import asyncio
import os
import signal
import socket
import sys
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import structlog
from redis.asyncio import Redis

from gateway.settings import EdgeSettings, GatewaySettings
from gateway.wiring import build
from libs.clock import utc_now
from libs.config import IdentitySettings, RedisSettings
from libs.contracts.plans import PlanSettings
from tests.integration.gateway.conftest import Gateway, Start
from tests.integration.gateway.people import Client, Frame, connected, kinds_of, text_of
from tests.integration.gateway.servers import Api, wire_to
from tests.integration.gateway.stages import questions, the_question
from tests.polling import eventually
from tests.unit.auth.builders_auth import Issuer, a_user_token

LONG = "x" * 4_000
MANY = 250
"""Times `LONG`: more than all buffers on the way of a client that reads nothing."""
UNSENT_MAX_BYTES = 128 * 1024


def unsent_bytes(gateway: Gateway) -> list[int]:
    """What waits in the gateway for each of its connections."""
    return [connection.transport.get_write_buffer_size() for connection in gateway.server.server_state.connections]


def a_small_receiver(gateway: Gateway) -> socket.socket:
    """A connection of a client that has hardly any room for what it is sent."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 * 1024)
    connection.connect(("127.0.0.1", urlsplit(gateway.url).port))
    return connection


async def test_a_client_that_reads_nothing_costs_little_and_is_dropped(start: Start, api: Api, redis: Redis) -> None:
    """Others get their answers meanwhile; it may come back for its own, and gets it whole."""
    async with start(send_seconds=0.5) as gateway, gateway.client("bob") as bob:
        async with gateway.client(max_queue=1, sock=a_small_receiver(gateway)) as ann:
            await ann.send("s")
            answer = await the_question(redis)
            api.active[str(answer.turn.session_id)] = str(answer.turn.answer_id)
            ann.connection.transport.pause_reading()
            await answer.announce()
            await answer.begin()
            for _ in range(MANY):
                await answer.say(LONG)
                assert max(unsent_bytes(gateway)) < UNSENT_MAX_BYTES

            other = await bob.send("other")
            await (await the_question(redis, number=2)).write("Bob's.")
            assert text_of(await bob.reply(other)) == "Bob's."

            await eventually(lambda: _count(gateway, 1))
        await answer.end()
        async with gateway.client() as again:
            assert text_of(await again.reply(await again.resume("s"))) == LONG * MANY


async def _count(gateway: Gateway, expected: int) -> bool:
    return len(gateway.server.server_state.connections) == expected


async def test_a_client_that_reads_slowly_is_not_dropped(start: Start, redis: Redis) -> None:
    """It takes something in every while, so it gets everything."""
    async with start(send_seconds=3) as gateway:
        async with gateway.client(max_queue=1, sock=a_small_receiver(gateway)) as ann:
            request_id = await ann.send("s")
            answer = await the_question(redis)
            await answer.write(*[LONG] * MANY)
            frames: list[Frame] = []
            while not frames or frames[-1]["type"] != "end":
                frames.append(await ann.frame())
                await asyncio.sleep(0.01)

        assert frames[-1]["requestId"] == request_id
        assert text_of(frames) == LONG * MANY


async def test_a_full_stream_takes_no_question(start: Start, redis: Redis) -> None:
    """The refusal says when to come again, and nothing was published."""
    async with start(max_backlog=2) as gateway, gateway.client() as ann:
        for number in range(2):
            await ann.send(f"s-{number}")
            await the_question(redis, number=number + 1)
        [error] = await ann.reply(await ann.send("s-2"))

        assert "again in 5 seconds" in error["errorText"]
        assert len(await questions(redis)) == 2


async def test_redis_away_is_said_and_passes(start: Start, redis: Redis, redis_url: str) -> None:
    """A question gets an error; an answer under way goes on where it was."""
    place = urlsplit(redis_url)
    assert place.port
    async with wire_to(place.port) as (wire, port):
        through = redis_url.replace(f":{place.port}", f":{port}")
        async with start(through=through) as gateway, gateway.client() as ann:
            running = await ann.send("s")
            answer = await the_question(redis)
            await answer.announce()
            await answer.begin()
            await answer.say("Before, ")
            await ann.until("text-delta")

            wire.cut()
            await answer.say("meanwhile, ")
            refused = await ann.send("s", message_id="m-2")
            assert "does not answer" in (await ann.reply(refused))[-1]["errorText"]

            wire.mend()
            await answer.say("after.")
            await answer.end()
            frames = await ann.reply(running)
            texts = [frame["chunk"]["delta"] for frame in frames if kinds_of([frame]) == ["text-delta"]]
            assert texts == ["meanwhile, ", "after."]
            await ann.send("s", message_id="m-3")
            last = await the_question(redis, number=2)
            # Nothing is left of the one that was refused.
            await eventually(lambda: _only_channel(redis, last.log.channel))


async def _only_channel(redis: Redis, expected: str) -> bool:
    channels: list[Any] = await redis.pubsub_shardchannels()
    return channels == [expected.encode()]


async def test_history_away_is_said(start: Start) -> None:
    """Whether an answer is under way nobody can tell: an error to each, not "no", and one line for all of them."""
    with structlog.testing.capture_logs() as logs:
        async with start(history="http://127.0.0.1:9") as gateway, gateway.client() as ann:
            for _ in range(5):
                [error] = await ann.reply(await ann.resume("s"))

                assert "does not answer" in error["errorText"]
    assert [line["event"] for line in logs if line["log_level"] == "warning"] == ["cannot serve a request now"]


async def test_a_bug_ends_its_request_and_no_other(gateway: Gateway, ann: Client, api: Api, redis: Redis) -> None:
    """What nobody thought of (here: history answers nonsense) is an error to the client, and the socket lives."""
    running = await ann.send("s")
    answer = await the_question(redis)
    api.active[str(answer.turn.session_id)] = "no uuid"

    [error] = await ann.reply(await ann.resume("s"))
    assert "our side" in error["errorText"]
    await answer.write("Unharmed.")
    assert text_of(await ann.reply(running)) == "Unharmed."
    assert gateway.server.started


async def test_nothing_is_left_of_a_client_that_went(gateway: Gateway, redis: Redis) -> None:
    """Its reader unsubscribes; the answer goes on without it."""
    async with gateway.client() as ann:
        await ann.send("s")
        answer = await the_question(redis)
        await eventually(lambda: _subscribers(redis, answer.log.channel, 1))

    await eventually(lambda: _subscribers(redis, answer.log.channel, 0))
    await eventually(lambda: _count(gateway, 0))
    assert not await answer.is_cancelled()


async def _subscribers(redis: Redis, channel: str, expected: int) -> bool:
    [(_, count)] = await redis.pubsub_shardnumsub(channel)
    return int(count) == expected


@pytest.fixture
def environment(redis_url: str, identity: IdentitySettings, api_url: str) -> dict[str, str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    settings = {**identity.model_dump(exclude_none=True), "redis_url": redis_url, "port": str(port)}
    settings |= {"history_api_url": api_url, "ingest_api_url": api_url}
    return {**os.environ, **{name.upper(): str(value) for name, value in settings.items()}}


async def test_a_stopping_gateway_sends_its_clients_elsewhere(
    environment: dict[str, str],
    redis: Redis,
    issuer: Issuer,
) -> None:
    """SIGTERM closes sockets with 1012 in mid-answer, and the process ends in good order."""
    url = f"http://127.0.0.1:{environment['PORT']}"
    command = (sys.executable, "-m", "gateway")
    process = await asyncio.create_subprocess_exec(*command, env=environment, stdout=asyncio.subprocess.DEVNULL)
    try:
        await eventually(lambda: _answers(f"{url}/healthz"), within_seconds=30)
        async with connected(url, a_user_token(issuer, utc_now())) as ann:
            await ann.send("s")
            answer = await the_question(redis)
            await answer.announce()
            await ann.until("data-status")
            process.send_signal(signal.SIGTERM)

            assert await ann.close_code() == 1012
        async with asyncio.timeout(10):
            assert await process.wait() in {0, -signal.SIGTERM}
        assert not await answer.is_cancelled()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _answers(url: str) -> bool:
    async with httpx.AsyncClient(trust_env=False) as client:
        try:
            return (await client.get(url)).is_success
        except httpx.HTTPError:
            return False


async def test_an_unstarted_subscriber_is_a_dead_one(api_url: str, identity: IdentitySettings) -> None:
    """Without it no live frame arrives: `/healthz` says that the process is to be replaced."""
    edge = EdgeSettings(history_api_url=api_url, ingest_api_url=api_url)
    app = build(RedisSettings(redis_url="redis://127.0.0.1:9"), identity, edge, GatewaySettings(), plans=PlanSettings())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://gateway") as client:
        response = await client.get("/healthz")

    assert response.status_code == 503
    assert response.json()["checks"] == {"subscriber": "dead"}
