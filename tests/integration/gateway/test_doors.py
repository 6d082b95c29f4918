"""Who may have a socket, and what may be said on it."""

import asyncio
import json
from datetime import timedelta

import pytest
from redis.asyncio import Redis

from libs.clock import utc_now
from tests.integration.gateway.conftest import ALLOWED_ORIGIN, Gateway, Start
from tests.integration.gateway.people import Client, kinds_of, text_of
from tests.integration.gateway.stages import questions, the_question
from tests.polling import eventually

FRAME_BYTES = 128 * 1024


async def test_a_client_without_a_token_is_told_and_then_shown_out(start: Start, redis: Redis) -> None:
    """An error for the request; the socket ends when its time to show a token is over."""
    async with start(authentication_seconds=0.5) as gateway, gateway.client(None) as nobody:
        [error] = await nobody.reply(await nobody.send("s"))
        assert "Authorization" in error["errorText"]
        assert await nobody.close_code() == 4401
    assert not await questions(redis)


async def test_a_silent_socket_is_shown_out(start: Start) -> None:
    """Whoever never says who they are does not stay."""
    async with start(authentication_seconds=0.2) as gateway, gateway.client(None) as nobody:
        assert await nobody.close_code() == 4401


async def test_an_abort_shows_nobody_who_one_is(start: Start) -> None:
    """It needs no token, so it proves nothing."""
    async with start(authentication_seconds=0.3) as gateway, gateway.client(None) as nobody:
        await nobody.abort("r-1")
        assert await nobody.close_code() == 4401


@pytest.mark.parametrize("token", ["", "nonsense", "a.b.c", "x" * 20_000, "é", "t\r\nx-evil: 1"])
async def test_a_bad_token_gets_an_error(start: Start, redis: Redis, token: str) -> None:
    """Nothing is published, and the client may try a better one on the same socket."""
    async with start(authentication_seconds=30) as gateway, gateway.client() as ann:
        good, ann.token = ann.token, token
        [error] = await ann.reply(await ann.send("s"))
        assert error["type"] == "error"
        assert not await questions(redis)

        ann.token = good
        await ann.send("s")
        await the_question(redis)


async def test_a_token_that_expires_stops_only_what_comes_after(gateway: Gateway, ann: Client, redis: Redis) -> None:
    """The frame is refused; the socket and the answer under way go on."""
    running = await ann.send("s")
    answer = await the_question(redis)
    good, ann.token = ann.token, gateway.token(exp=(utc_now() - timedelta(minutes=1)).timestamp())

    refused = await ann.send("s", message_id="m-2")
    await answer.announce()
    await answer.begin()
    await answer.say("Still here.")
    await answer.end()
    replies = await ann.replies(running, refused)

    assert [frame["type"] for frame in replies[refused]] == ["error"]
    assert "expired" in replies[refused][0]["errorText"]
    assert text_of(replies[running]) == "Still here."
    ann.token = good
    await ann.send("s", message_id="m-3")
    await the_question(redis, number=2)


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://app.example", "http://["])
async def test_a_foreign_page_may_not_connect(gateway: Gateway, origin: str) -> None:
    """A browser says where its page comes from."""
    async with gateway.client(origin=origin) as page:
        assert await page.close_code() == 4403


async def test_pages_of_our_own_and_invited_ones_may(gateway: Gateway, api: object) -> None:
    """The gateway's own address, and what the settings name."""
    for origin in (gateway.url, ALLOWED_ORIGIN):
        async with gateway.client(origin=origin) as page:
            assert kinds_of(await page.reply(await page.resume("s"))) == ["no-active"]


@pytest.mark.parametrize(
    "said",
    [
        "",
        "hello",
        "{}",
        "[]",
        '{"type":"abort"}',
        '{"type":"send","requestId":"r","id":"s","messages":[],"headers":{}}',
        "[" * 60_000,
        b"\x00\x01",
        json.dumps({"type": "abort", "requestId": "r"}).encode(),
    ],
)
async def test_what_is_no_frame_ends_the_socket(ann: Client, said: str | bytes) -> None:
    """Malformed, incomplete or binary: there is no request that could be answered."""
    await ann.connection.send(said)

    assert await ann.close_code() == 1008


async def test_a_frame_of_the_greatest_size_is_taken(ann: Client, redis: Redis) -> None:
    """What fills it is the history that the client keeps."""
    filling = {"id": "m-0", "role": "user", "parts": [{"type": "text", "text": "x" * (FRAME_BYTES - 2_000)}]}
    last = {"id": "m-1", "role": "user", "parts": [{"type": "text", "text": "What is free?"}]}
    await ann.send("s", messages=[filling, last])

    assert (await the_question(redis)).turn.question == "What is free?"


async def test_a_larger_frame_ends_the_socket(ann: Client) -> None:
    """In one piece or in many."""
    await ann.connection.send("x" * (FRAME_BYTES + 1))

    assert await ann.close_code() == 1009


async def test_a_frame_that_is_too_large_in_pieces_ends_the_socket(ann: Client) -> None:
    """The pieces are not collected without end."""

    async def pieces() -> None:
        protocol = ann.connection.protocol
        protocol.send_text(b"x", fin=False)
        while True:
            protocol.send_continuation(b"x" * 1_000, fin=False)
            ann.connection.transport.write(b"".join(protocol.data_to_send()))
            await asyncio.sleep(0)

    flood = asyncio.create_task(pieces())
    try:
        assert await ann.close_code() == 1009
    finally:
        flood.cancel()


async def test_a_flood_of_frames_ends_the_socket(start: Start) -> None:
    """More than so many a second is no person."""
    async with start(frames_burst=5, frames_per_second=1) as gateway, gateway.client() as ann:
        for _ in range(6):
            await ann.abort("r")

        assert await ann.close_code() == 4429


async def test_one_address_has_so_many_sockets(start: Start) -> None:
    """The next one is turned away; one that goes makes room."""
    async with start(max_sockets_per_address=2) as gateway:
        async with gateway.client(), gateway.client(), gateway.client() as third:
            assert await third.close_code() == 4429

        async def has_room() -> bool:
            async with gateway.client() as again:
                return kinds_of(await again.reply(await again.resume("s"))) == ["no-active"]

        await eventually(has_room)


async def test_the_balancers_word_counts_for_the_address(start: Start) -> None:
    """Behind a load balancer every socket comes from it; what the client itself put into the header does not count."""
    limits = {"max_sockets_per_address": 1, "trusted_proxies": 1}
    headers = [{"x-forwarded-for": f"{claimed}, {real}"} for claimed, real in [("9.9.9.1", "1.1.1.1")] * 2]
    other = {"x-forwarded-for": "9.9.9.1, 2.2.2.2"}
    async with (
        start(**limits) as gateway,
        gateway.client(additional_headers=headers[0]),
        gateway.client(additional_headers=other) as second,
        gateway.client(additional_headers=headers[1]) as third,
    ):
        assert await third.close_code() == 4429
        assert kinds_of(await second.reply(await second.resume("s"))) == ["no-active"]


async def test_a_socket_reads_so_many_answers_at_once(start: Start, redis: Redis) -> None:
    """One more is refused; the others go on, and one that ends makes room."""
    async with start(max_requests_per_socket=2) as gateway, gateway.client() as ann:
        first = await ann.send("s1")
        answer = await the_question(redis)
        await ann.send("s2")
        [error] = await ann.reply(await ann.send("s3"))
        assert "Too many answers" in error["errorText"]

        await answer.write("One")
        assert text_of(await ann.reply(first)) == "One"
        await ann.send("s3")
        await the_question(redis, number=3)


async def test_a_request_id_in_use_is_refused(ann: Client, redis: Redis) -> None:
    """Its answers could not be told apart; the question is not asked."""
    request_id = await ann.send("s")
    await the_question(redis)
    await ann.send("s", message_id="m-2", requestId=request_id)

    assert "in use" in (await ann.frame())["errorText"]
    assert len(await questions(redis)) == 1


async def test_what_nobody_asked_for_cannot_be_aborted(ann: Client) -> None:
    """An unknown request id is no reason to say anything."""
    await ann.abort("never-heard")

    assert kinds_of(await ann.reply(await ann.resume("s"))) == ["no-active"]


async def test_a_client_that_only_pings_and_never_reads_is_cut_off(start: Start) -> None:
    """Nobody waits for a pong to be taken, so pongs must not pile up."""
    async with start() as gateway, gateway.client(None, max_queue=1, ping_interval=None) as flood:
        transport = flood.connection.transport
        transport.pause_reading()
        protocol = flood.connection.protocol

        async def is_cut_off() -> bool:
            for _ in range(2_000):
                protocol.send_ping(b"x" * 125)
            transport.write(b"".join(protocol.data_to_send()))
            return not gateway.server.server_state.connections

        await eventually(is_cut_off)
