"""How often somebody may ask, counted on a real Valkey."""

from uuid import uuid4

import httpx
import pytest
import structlog
from redis.asyncio import Redis

from gateway.rates import AWAY_SECONDS, REFUSED_MAX_SECONDS, Claim, Policy, Rates
from gateway.turns import FULL_SECONDS, TurnsInProgress
from libs.bus.connection import connect
from libs.contracts.values import Turn
from tests.builders import a_principal, a_turn
from tests.integration.gateway.conftest import ALLOWED_ORIGIN, Gateway, Start
from tests.integration.gateway.people import kinds_of
from tests.integration.gateway.stages import Answer, questions, the_question

NOBODY = "redis://127.0.0.1:9"


class Watch:
    """A clock that is turned by hand."""

    seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


def a_claim(per_minute: int, who: str | None = None) -> Claim:
    return Claim(Policy("questions", per_minute), who or uuid4().hex)


async def test_all_gateways_count_together(redis: Redis) -> None:
    """What one has counted is gone for the others; other people's is not."""
    one, other, claim = Rates(redis), Rates(redis), a_claim(4)
    assert [await rates.take([claim]) for rates in (one, other, one)] == [None] * 3
    standing = await other.standing(claim)
    assert standing.remaining == 1
    assert await other.take([claim]) is None

    refused = await one.take([claim])

    assert refused is not None
    assert (refused.policy, refused.remaining) == (claim.policy, 0)
    assert 0 < refused.reset_seconds <= 60
    assert await one.take([a_claim(4)]) is None


async def test_whoever_was_refused_does_not_make_redis_count_again(redis: Redis) -> None:
    """Until a moment has passed: then room that has come is found."""
    watch, claim = Watch(), a_claim(1)
    rates = Rates(redis, now=watch)
    assert await rates.take([claim]) is None
    assert await rates.take([claim]) is not None
    await redis.flushall()

    assert await rates.take([claim]) is not None
    watch.seconds += REFUSED_MAX_SECONDS
    assert await rates.take([claim]) is None


async def test_nothing_that_was_counted_stays_for_ever(redis: Redis) -> None:
    """Addresses are people's: two minutes after the last count they are gone."""
    await Rates(redis).take([a_claim(4, "203.0.113.7")])

    keys = await redis.keys("rates:*")
    assert keys
    for key in keys:
        assert 0 < await redis.pttl(key) <= 120_000


async def test_without_redis_each_gateway_counts_by_itself(redis: Redis) -> None:
    """The door is neither shut nor wide open, and when Redis is back it is asked again."""
    watch, claim = Watch(), a_claim(2)
    gone = connect(NOBODY)
    rates = Rates(gone, now=watch)
    with structlog.testing.capture_logs() as logs:
        taken = [await rates.take([claim]) for _ in range(3)]

    assert [refused is None for refused in taken] == [True, True, False]
    assert len([line for line in logs if "counts by itself" in line["event"]]) == 1
    watch.seconds += 30
    with structlog.testing.capture_logs():
        assert await rates.take([claim]) is None
    with structlog.testing.capture_logs() as logs:
        for _ in range(8):
            watch.seconds += AWAY_SECONDS
            await rates.take([claim])
    # Somebody else's, who met a Redis that was away a while ago, is no line of ours.
    said = [line for line in logs if "gateway" in line["event"]]
    assert not said, "a line for each time that Redis is asked in vain"

    rates = Rates(redis, now=watch)
    watch.seconds += AWAY_SECONDS
    assert await rates.take([claim]) is None
    assert await redis.keys("rates:*")
    await gone.aclose()


async def _turns(count: int) -> list[Turn]:
    principal = a_principal()
    return [a_turn(principal=principal) for _ in range(count)]


async def test_places_are_counted_over_all_gateways(redis: Redis) -> None:
    """One more is refused, the very same ones are known, somebody else's are others."""
    one, other = TurnsInProgress(redis, 1), TurnsInProgress(redis, 1)
    turns = await _turns(3)
    assert [await places.claim(turn, most=2) for places, turn in zip((one, other), turns[:2], strict=True)] == [
        "claimed",
        "claimed",
    ]

    assert await one.claim(turns[2], most=2) == "full"
    assert [await one.claim(turn, most=2) for turn in turns] == ["known", "known", "full"]
    assert await one.claim(a_turn(), most=2) == "claimed"


async def test_an_answer_that_ended_unseen_gives_its_place_back(redis: Redis) -> None:
    """Its client and its gateway may be gone: its log says so to whoever needs the place."""
    watch = Watch()
    places, turns = TurnsInProgress(redis, 1, now=watch), await _turns(3)
    for turn in turns[:2]:
        assert await places.claim(turn, most=2) == "claimed"
    await Answer(redis, turns[0]).announce()
    assert await places.claim(turns[2], most=2) == "full"

    await Answer(redis, turns[1]).write("Done.")

    assert await places.claim(turns[2], most=2) == "full"
    watch.seconds += FULL_SECONDS
    assert await places.claim(turns[2], most=2) == "claimed"


async def test_an_answer_that_ends_here_gives_its_place_back_at_once(redis: Redis) -> None:
    """Nobody has to look for it, however lately there was none."""
    places, turns = TurnsInProgress(redis, 1), await _turns(2)
    assert [await places.claim(turn, most=1) for turn in turns] == ["claimed", "full"]

    await places.release(turns[0].principal.user_id, turns[0].session_id, turns[0].answer_id)

    assert await places.claim(turns[1], most=1) == "claimed"


async def test_a_socket_says_when_to_ask_again(start: Start, redis: Redis) -> None:
    """The refused question is not there, the socket goes on, and every answer says how many more may be asked."""
    async with start(user_questions_per_minute=1) as gateway, gateway.client() as ann:
        first = await ann.send("s1")
        answer = await the_question(redis)
        [error] = await ann.reply(await ann.send("s2", message_id="m-2"))
        assert "Try again in" in error["errorText"]
        assert len(await questions(redis)) == 1

        await answer.write("Yes.")
        frames = await ann.reply(first)
        assert kinds_of(frames)[:2] == ["start", "data-rate-limits"]
        limits = frames[1]["chunk"]["data"]
        assert (limits["policy"], limits["quota"], limits["remaining"]) == ("questions", 1, 0)
        assert frames[1]["chunk"]["transient"] is True


async def test_an_answer_that_ended_makes_room_for_a_question(start: Start, redis: Redis) -> None:
    """Over another gateway, too."""
    async with (
        start(user_turns=1) as one,
        start(user_turns=1) as other,
        one.client() as ann,
        other.client() as again,
    ):
        first = await ann.send("s1")
        answer = await the_question(redis)
        [error] = await again.reply(await again.send("s2"))
        assert "under way" in error["errorText"]
        assert "in 5 seconds" in error["errorText"]

        await answer.write("Yes.")
        await ann.reply(first)
        await ann.send("s2")
        await the_question(redis, number=2)


@pytest.fixture
def people(gateway: Gateway) -> dict[str, dict[str, str]]:
    return {name: {"authorization": f"Bearer {gateway.token(name)}"} for name in ("ann", "bob")}


async def test_every_answer_over_http_says_where_its_caller_stands(
    http: httpx.AsyncClient, people: dict[str, dict[str, str]]
) -> None:
    """A caller with a token by that, others by their address; probes are free."""
    named = await http.get("/v1/sessions", headers=people["ann"])
    nobody = await http.get("/v1/config")
    bad = await http.get("/v1/sessions", headers={"authorization": "Bearer nonsense"})
    probe = await http.get("/healthz")

    assert named.headers["ratelimit-policy"] == '"requests";q=600;w=60, "address";q=1200;w=60'
    assert named.headers["ratelimit"].startswith('"requests";r=599;t=')
    assert nobody.headers["ratelimit"].startswith('"address";r=1198;t=')
    assert bad.headers["ratelimit"].startswith('"address";r=1197;t=')
    assert "ratelimit" not in probe.headers


async def test_too_many_requests_are_a_problem_that_says_when_to_come_again(start: Start) -> None:
    """A page of another origin may read it; who is not limited goes on."""
    async with start(user_requests_per_minute=2) as gateway, httpx.AsyncClient(base_url=gateway.url) as http:
        ann, bob = ({"authorization": f"Bearer {gateway.token(name)}"} for name in ("ann", "bob"))
        for _ in range(2):
            await http.get("/v1/sessions", headers=ann)
        refused = await http.get("/v1/sessions", headers={**ann, "origin": ALLOWED_ORIGIN})

        assert refused.status_code == 429
        assert refused.headers["content-type"] == "application/problem+json"
        assert refused.json()["code"] == "rate_limited"
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert refused.headers["ratelimit"].startswith('"requests";r=0;t=')
        assert refused.headers["access-control-allow-origin"] == ALLOWED_ORIGIN
        assert (await http.get("/v1/sessions", headers=bob)).status_code == 404
        assert (await http.options("/v1/sessions", headers=ann)).status_code != 429


@pytest.mark.parametrize(
    ("forwarded", "counted"),
    [
        ("9.9.9.9, 1.1.1.1, 10.0.0.1", "1.1.1.1"),
        ("1.1.1.1,10.0.0.1", "1.1.1.1"),
        ("1.1.1.1", "127.0.0.1"),
        ("", "127.0.0.1"),
    ],
)
async def test_the_address_is_the_one_our_own_proxies_saw(
    start: Start, redis: Redis, forwarded: str, counted: str
) -> None:
    """Counted from the end; who comes past them is who calls."""
    async with start(trusted_proxies=2) as gateway, httpx.AsyncClient(base_url=gateway.url) as http:
        await http.get("/v1/config", headers={"x-forwarded-for": forwarded})

    [key] = await redis.keys("rates:*")
    assert f"/{counted}/".encode() in key
