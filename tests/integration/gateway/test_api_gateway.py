"""The same chat over API Gateway's WebSocket API: callbacks come in at any gateway, answers are posted."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from typing import Any

import boto3
import httpx
import pytest
from redis.asyncio import Redis
from websockets.exceptions import InvalidStatus

from gateway.api_gateway.headers import CONNECTION, PROOF
from gateway.api_gateway.registry import Registry
from gateway.settings import ApiGatewaySettings
from tests.fakes import api_gateway as fakes
from tests.fakes.api_gateway import FakeApiGateway
from tests.integration.gateway.conftest import ALLOWED_ORIGIN, Gateway, Start
from tests.integration.gateway.people import Client, connected, kinds_of, text_of
from tests.integration.gateway.servers import Api
from tests.integration.gateway.stages import Answer, the_question
from tests.polling import eventually

SECRET = "s" * 40


@pytest.fixture
async def aws(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeApiGateway]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", fakes.ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", fakes.SECRET_KEY)
    async with fakes.api_gateway(SECRET) as fake:
        yield fake


class Behind:
    """Gateways behind the fake."""

    def __init__(self, aws: FakeApiGateway, start: Start) -> None:
        self.aws = aws
        self._start = start

    @asynccontextmanager
    async def gateway(self, **limits: Any) -> AsyncIterator[Gateway]:
        settings = ApiGatewaySettings.model_validate(
            {"secret": SECRET, "connections_url": self.aws.management_url, "region": fakes.REGION}
        )
        # Nobody is closed for having shown no token while a test waits for another reason to be closed.
        async with self._start(api_gateway=settings, **{"authentication_seconds": 60, **limits}) as gateway:
            self.aws.gateways.append(gateway.url)
            try:
                yield gateway
            finally:
                if gateway.url in self.aws.gateways:
                    self.aws.gateways.remove(gateway.url)

    def client(self, gateway: Gateway, name: str = "ann", **given: Any) -> AbstractAsyncContextManager[Client]:
        """Somebody who has a token, and comes by API Gateway."""
        return connected(self.aws.url, gateway.token(name), **given)


@pytest.fixture
def behind(aws: FakeApiGateway, start: Start) -> Behind:
    return Behind(aws, start)


async def _begun(redis: Redis, *texts: str, number: int = 1) -> Answer:
    answer = await the_question(redis, number=number)
    await answer.announce()
    await answer.begin()
    await answer.say(*texts)
    return answer


async def test_two_chats_from_their_questions_to_their_ends(behind: Behind, redis: Redis) -> None:
    """The same frames as over a socket, though every second callback reaches the other gateway; one post at a time."""
    behind.aws.post_seconds = 0.005
    async with behind.gateway() as one, behind.gateway(), behind.client(one) as ann:
        asked = [await ann.send("s"), await ann.send("t")]
        answers = [await the_question(redis, number=number) for number in (1, 2)]
        await asyncio.gather(*(answer.write("Ten ", "seconds", *("." * 9)) for answer in answers))
        replies = await ann.replies(*asked)

    for frames in replies.values():
        assert text_of(frames) == "Ten seconds" + "." * 9
        assert kinds_of(frames)[-2:] == ["finish", "end"]
    assert behind.aws.most_at_once == 1


async def test_what_api_gateway_refuses_for_now_is_posted_again(behind: Behind, redis: Redis) -> None:
    """Too many requests, its own errors, and posts that were taken without an answer: nothing is missing."""
    behind.aws.trouble.extend([429, 500, 0, 429, 429, 0, 504])
    async with behind.gateway() as gateway, behind.client(gateway) as ann:
        asked = await ann.send("s")
        await (await the_question(redis)).write("All ", "of ", "it")
        frames = await ann.reply(asked)

    once = {frame["sequence"]: frame for frame in frames if frame["type"] == "chunk"}
    assert text_of(list(once.values())) == "All of it"


async def test_an_abort_that_reaches_another_gateway(behind: Behind, redis: Redis) -> None:
    """It ends the answer all the same."""
    async with behind.gateway() as one, behind.gateway(), behind.client(one) as ann:
        asked = await ann.send("s")
        answer = await _begun(redis, "Half an")
        await ann.until("text-delta")
        await ann.abort(asked)
        await eventually(answer.is_cancelled)
        await answer.end(status="cancelled")
        assert kinds_of(await ann.reply(asked))[-2:] == ["abort", "end"]


async def test_an_answer_is_resumed_over_another_gateway(behind: Behind, api: Api, redis: Redis) -> None:
    """A gateway that stops closes its connections; behind the client's cursor the other one goes on."""
    async with AsyncExitStack() as stays, AsyncExitStack() as stops:
        one = await stops.enter_async_context(behind.gateway(drain_seconds=0))
        ann = await stays.enter_async_context(behind.client(one))
        await ann.send("s")
        answer = await _begun(redis, "Before, ")
        api.active[str(answer.turn.session_id)] = str(answer.turn.answer_id)
        had = await ann.until("text-delta")
        two = await stays.enter_async_context(behind.gateway())
        behind.aws.gateways.remove(one.url)
        one.server.should_exit = True
        assert await ann.close_code() == 1000

        again = await stays.enter_async_context(behind.client(two))
        resumed = await again.resume("s", cursor=had[-1]["cursor"])
        await answer.say("and after.")
        await answer.end()
        _, *rest = await again.reply(resumed)

    assert text_of(had + rest) == "Before, and after."


async def test_the_connections_of_a_dead_gateway_are_closed(behind: Behind, redis: Redis) -> None:
    """Another one finds it silent; what came for it meanwhile is not lost without a word: its client comes again."""
    dead = Registry(redis)
    await dead.renew()
    async with AsyncExitStack() as stack:
        gateway = await stack.enter_async_context(behind.gateway())
        silent = await stack.enter_async_context(behind.client(gateway))
        asking = await stack.enter_async_context(behind.client(gateway, "bob"))
        for connection_id in behind.aws.open:
            await dead.enter(connection_id)
        # As if its last sign of life had been long ago.
        await redis.zadd("callbacks:{c}:living", {dead.me: 0})

        assert await silent.close_code() == 1000
        assert await asking.close_code() == 1000

        async def is_buried() -> bool:
            return (
                not await redis.keys(f"callbacks:*{dead.me}")
                and await redis.zscore("callbacks:{c}:dead", dead.me) is None
            )

        await eventually(is_buried)


async def test_a_gateway_that_was_forgotten_closes_what_it_has(behind: Behind, redis: Redis) -> None:
    """Redis lost everything, so nobody could find its connections any more."""
    async with behind.gateway() as gateway, behind.client(gateway) as ann:
        await redis.flushall()
        assert await ann.close_code() == 1000
        async with behind.client(gateway) as again:
            assert kinds_of(await again.reply(await again.resume("s"))) == ["no-active"]


async def test_a_connection_that_nobody_knows_is_closed(behind: Behind, redis: Redis) -> None:
    """The client comes again, and is known then."""
    async with behind.gateway() as one, behind.gateway() as two, behind.client(one) as ann:
        behind.aws.gateways.remove(one.url)
        await redis.delete(*await redis.keys("callbacks:{c}:owner:*"))
        await ann.send("s")
        assert await ann.close_code() == 1000
    assert two.url


async def test_a_client_that_goes_cancels_nothing(behind: Behind, redis: Redis) -> None:
    """Nothing is posted any more, the answer is written on, and nothing of the connection is left."""
    async with behind.gateway() as one, behind.gateway():
        async with behind.client(one) as ann:
            await ann.send("s")
            answer = await _begun(redis, "Nobody ")
            await ann.until("text-delta")

        async def is_forgotten() -> bool:
            return not await redis.keys("callbacks:{c}:owner:*") and not await redis.keys("callbacks:{c}:connections:*")

        await eventually(is_forgotten)
        posts = behind.aws.posts.total()
        await answer.say("reads ", "this")
        assert not await answer.is_cancelled()
        await answer.end()
    assert behind.aws.posts.total() == posts


async def test_a_connection_that_has_ended_unheard_is_given_up(behind: Behind, redis: Redis) -> None:
    """The first post finds it gone (410)."""
    async with behind.gateway() as gateway, behind.client(gateway) as ann:
        await ann.send("s")
        answer = await the_question(redis)
        behind.aws.open.clear()
        await answer.announce()

        async def is_given_up() -> bool:
            return ("POST", 410) in behind.aws.posts and not await redis.keys("callbacks:{c}:owner:*")

        await eventually(is_given_up)


async def test_a_client_that_is_posted_to_in_vain_is_shown_out(behind: Behind, redis: Redis) -> None:
    """With a gap nothing may follow: it comes again, and resumes."""
    async with behind.gateway() as gateway, behind.client(gateway) as ann:
        await ann.send("s")
        answer = await the_question(redis)
        behind.aws.trouble.append(413)
        await answer.announce()
        assert await ann.close_code() == 1000


FORGED: list[list[str]] = [[], [""], ["x" * 40], [SECRET, SECRET], [SECRET + "é"]]
NO_IDS = ["", "a/b", "a" * 129, "é", "a b", "../x"]


async def test_a_forged_callback_finds_nothing(behind: Behind, redis: Redis) -> None:
    """Whoever cannot show the secret learns nothing; and from whoever can, an id is one before it touches a key."""
    async with behind.gateway() as gateway, behind.client(gateway) as ann, httpx.AsyncClient(trust_env=False) as http:
        known = next(iter(behind.aws.open))

        async def refused(route: str, *headers: tuple[str, str]) -> tuple[int, str]:
            given = [(name.encode(), value.encode()) for name, value in headers]
            response = await http.post(f"{gateway.url}/callbacks/{route}", headers=given, content=b"hello")
            return response.status_code, response.json()["code"]

        for route in ("connect", "message", "disconnect"):
            for proof in FORGED:
                shown = [(PROOF, one) for one in proof]
                assert await refused(route, (CONNECTION, known), *shown) == (404, "not_found")
            for no_id in NO_IDS:
                assert await refused(route, (CONNECTION, no_id), (PROOF, SECRET)) == (400, "invalid_connection")
        assert await redis.keys("callbacks:{c}:owner:*") == [f"callbacks:{{c}}:owner:{known}".encode()]
        assert kinds_of(await ann.reply(await ann.resume("s"))) == ["no-active"]


async def test_without_configuration_there_are_no_callbacks(gateway: Gateway) -> None:
    """A gateway that API Gateway does not lead to has no such door."""
    async with httpx.AsyncClient(trust_env=False) as http:
        assert (await http.post(f"{gateway.url}/callbacks/connect", headers={PROOF: SECRET})).status_code == 404


async def test_the_doors_are_those_of_a_socket(behind: Behind) -> None:
    """No foreign page, so many connections of an address, a token in time, frames of the protocol."""
    async with behind.gateway(max_sockets_per_address=1, authentication_seconds=0.3) as gateway:
        with pytest.raises(InvalidStatus, match="403"):
            async with behind.client(gateway, origin="https://evil.example"):
                pass
        async with behind.client(gateway, origin=ALLOWED_ORIGIN) as silent:
            with pytest.raises(InvalidStatus, match="403"):
                async with behind.client(gateway):
                    pass
            assert await silent.close_code() == 1000
        await eventually(lambda: _comes_and_talks_nonsense(behind, gateway))


async def _comes_and_talks_nonsense(behind: Behind, gateway: Gateway) -> bool:
    # While the connection before it is not forgotten, it is one too many.
    with suppress(InvalidStatus):
        async with behind.client(gateway) as ann:
            await ann.connection.send("hello")
            return await ann.close_code() == 1000
    return False


async def test_the_fake_takes_what_the_sdk_sends(aws: FakeApiGateway) -> None:
    """What our posts are held to is what boto3 does."""
    client: Any = boto3.client("apigatewaymanagementapi", endpoint_url=aws.management_url, region_name=fakes.REGION)
    with pytest.raises(client.exceptions.GoneException):
        await asyncio.to_thread(client.post_to_connection, ConnectionId="abc=", Data=b"{}")
