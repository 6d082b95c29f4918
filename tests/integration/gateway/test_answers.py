"""Answers reach those who asked, whole, in order, and on any socket."""

import hashlib
from typing import Any
from uuid import UUID, uuid4

import pytest
from prometheus_client import REGISTRY
from redis.asyncio import Redis

from libs.clock import utc_now
from libs.contracts.frames import PassagesFound
from libs.contracts.values import Turn
from tests.integration.gateway.conftest import Gateway, Start
from tests.integration.gateway.people import Client, Frame, kinds_of, text_of
from tests.integration.gateway.servers import Api
from tests.integration.gateway.stages import Answer, questions, the_question
from tests.polling import eventually


async def test_an_answer_comes_as_it_is_written(ann: Client, redis: Redis) -> None:
    """Each stage's word at once, and the end when it is stored."""
    request_id = await ann.send("s")
    answer = await the_question(redis)

    await answer.announce()
    assert kinds_of(await ann.until("data-status")) == ["start", "data-rate-limits", "data-status"]
    await answer.announce(PassagesFound())
    await ann.until("data-status")
    await answer.begin()
    await answer.say("Cards ")
    assert kinds_of(await ann.until("text-delta"))[-2:] == ["text-start", "text-delta"]
    await answer.say("are free.")
    await answer.end()

    assert kinds_of(await ann.reply(request_id)) == ["text-delta", "text-end", "finish", "end"]


async def test_many_answers_on_one_socket_do_not_mix(ann: Client, redis: Redis) -> None:
    """Each request gets its own text, in its own sequence."""
    sent = [await ann.send(f"s{number}", f"Question {number}") for number in range(8)]
    await eventually(lambda: _asked(redis, 8))
    answers = [Answer(redis, turn) for turn in await questions(redis)]
    for answer in answers:
        await answer.announce()
        await answer.begin()
    for word in range(20):
        for answer in answers:
            await answer.say(f"{answer.turn.question}.{word} ")
    for answer in reversed(answers):
        await answer.end()
    replies = await ann.replies(*sent)

    for number, request_id in enumerate(sent):
        assert text_of(replies[request_id]) == "".join(f"Question {number}.{word} " for word in range(20))


async def _asked(redis: Redis, count: int) -> bool:
    return len(await questions(redis)) == count


async def test_the_same_question_twice_is_one_answer(gateway: Gateway, ann: Client, redis: Redis) -> None:
    """Sent again, by another socket too, it finds the same log, and how long it took is counted once."""
    before = REGISTRY.get_sample_value("chat_time_to_first_delta_seconds_count") or 0
    first = await ann.send("s")
    answer = await the_question(redis)
    async with gateway.client() as elsewhere:
        second = await elsewhere.send("s")
        again = await the_question(redis, number=2)
        assert again.turn.answer_id == answer.turn.answer_id
        await answer.write("Once.")

        assert text_of(await ann.reply(first)) == text_of(await elsewhere.reply(second)) == "Once."
    assert REGISTRY.get_sample_value("chat_time_to_first_delta_seconds_count") == before + 1


async def test_somebody_else_with_the_same_ids_gets_another_answer(gateway: Gateway, ann: Client, redis: Redis) -> None:
    """Session and message ids are no secrets."""
    session = str(uuid4())
    await ann.send(session)
    answer = await the_question(redis)
    async with gateway.client("bob") as bob:
        await bob.send(session)
        other = await the_question(redis, number=2)
        assert other.turn.answer_id != answer.turn.answer_id
        assert kinds_of(await bob.reply(await bob.resume(str(uuid4())))) == ["no-active"]


@pytest.mark.parametrize("after", [None, 0, 3, 6])
async def test_a_client_that_comes_back_gets_the_same_chunks(
    gateway: Gateway, api: Api, ann: Client, redis: Redis, after: int | None
) -> None:
    """From the first one, or behind the last it has."""
    request_id = await ann.send("s")
    answer = await the_question(redis)
    api.active[str(answer.turn.session_id)] = str(answer.turn.answer_id)
    await answer.announce()
    await answer.begin()
    await answer.say("a", "b", "c")
    async with gateway.client() as again:
        seen = [await ann.frame() for _ in range(7)]
        resumed = await again.resume("s", **({} if after is None else {"cursor": seen[after]["cursor"]}))
        await again.until("start")
        await answer.say("d")
        await answer.end()
        whole, rest = seen + await ann.reply(request_id), await again.reply(resumed)

    chunks = [frame for frame in rest if frame["type"] == "chunk"]
    expected = [frame for frame in whole if frame["type"] == "chunk" and frame["sequence"] > (after or -1)]
    assert _told(chunks) == _told(expected)[len(expected) - len(chunks) :]
    assert chunks[-1]["chunk"]["type"] == "finish"


def _told(frames: list[Frame]) -> list[tuple[int, Any]]:
    """Where the client stands with its limits is another word every time, in the same place."""
    return [
        (frame["sequence"], None if frame["chunk"]["type"] == "data-rate-limits" else frame["chunk"])
        for frame in frames
    ]


@pytest.mark.parametrize("cursor", ["3-000000000000", "6", "9999-abc", "no number", "", "-"])
async def test_a_cursor_that_does_not_fit_leaves_nothing_out(
    gateway: Gateway, api: Api, ann: Client, redis: Redis, cursor: str
) -> None:
    """Of another answer, from the future, made up: the client gets the answer from its beginning."""
    await ann.send("s")
    answer = await the_question(redis)
    api.active[str(answer.turn.session_id)] = str(answer.turn.answer_id)
    await answer.write("Whole")
    async with gateway.client() as again:
        frames = await again.reply(await again.resume("s", cursor=cursor))

    assert text_of(frames[1:]) == "Whole"
    assert [frame["sequence"] for frame in frames[1:-1]] == list(range(len(frames) - 2))


async def test_a_session_that_waits_for_nothing_has_nothing_to_resume(ann: Client) -> None:
    """Nor has one that never was."""
    assert kinds_of(await ann.reply(await ann.resume("s"))) == ["no-active"]


async def test_a_reload_before_the_question_is_stored_finds_its_answer(
    gateway: Gateway, ann: Client, redis: Redis
) -> None:
    """History does not know it yet; on any gateway, it is on its way."""
    await ann.send("s")
    answer = await the_question(redis)
    async with gateway.client() as reloaded:
        resumed = await reloaded.resume("s")
        assert (await reloaded.frame())["type"] == "start"
        await answer.write("Found.")

        assert text_of(await reloaded.reply(resumed)) == "Found."


async def test_what_was_just_asked_is_the_askers_alone(gateway: Gateway, ann: Client, redis: Redis) -> None:
    """Also when the session's id is known."""
    session = str(uuid4())
    await ann.send(session)
    await the_question(redis)
    async with gateway.client("bob") as bob:
        assert kinds_of(await bob.reply(await bob.resume(session))) == ["no-active"]


async def test_an_answer_that_ended_is_not_raised_from_the_dead(ann: Client, redis: Redis) -> None:
    """That it was asked for a moment ago does not mean that it is under way."""
    request_id = await ann.send("s")
    await (await the_question(redis)).write("Done.")
    await ann.reply(request_id)

    assert kinds_of(await ann.reply(await ann.resume("s"))) == ["no-active"]


async def test_the_stored_text_wins(ann: Client, api: Api, redis: Redis) -> None:
    """Where the digest says that another text is stored, the row is read, with the caller's own token."""
    request_id = await ann.send("s")
    answer = await the_question(redis)
    _store(api, answer.turn, "What is stored.")
    await answer.announce()
    await answer.begin()
    await answer.say("What was sent")
    await answer.end("What is stored.")

    frames = await ann.reply(request_id)
    assert text_of(frames) == "What is stored."
    assert kinds_of(frames)[-2:] == ["finish", "end"]
    assert api.received[-1].header("authorization") == f"Bearer {ann.token}"


async def test_a_log_with_only_its_end_is_read_from_the_row(ann: Client, api: Api, redis: Redis) -> None:
    """The question was answered long ago, and is sent again."""
    request_id = await ann.send("s")
    answer = await the_question(redis)
    _store(api, answer.turn, "Long ago.", model="m-0")
    await answer.end("Long ago.")

    frames = await ann.reply(request_id)
    assert text_of(frames) == "Long ago."
    assert frames[-2]["chunk"]["messageMetadata"]["model"] == "m-0"


def _store(api: Api, turn: Turn, text: str, **given: str) -> None:
    api.messages[str(turn.answer_id)] = {
        "id": str(turn.answer_id),
        "role": "assistant",
        "content": text,
        "created_at": utc_now().isoformat(),
        "status": "completed",
        "digest": hashlib.sha256(text.encode()).hexdigest(),
        "usage": None,
        **given,
    }


async def test_a_question_that_nobody_takes_is_given_back(start: Start) -> None:
    """No worker has said a word: the client is told to send it again, which is safe."""
    async with start(untaken_seconds=1) as gateway, gateway.client() as ann:
        [error] = await ann.reply(await ann.send("s"))

        assert "send it again" in error["errorText"]


async def test_the_session_is_the_callers_own(ann: Client, redis: Redis) -> None:
    """A name of the client's becomes a UUID, before it touches a key or a path."""
    await ann.send("my-chat_1")
    turn = (await the_question(redis)).turn

    assert isinstance(turn.session_id, UUID)
    [error] = await ann.reply(await ann.send("{p0}:x"))
    assert "session id" in error["errorText"]


async def test_a_sessions_next_question_waits_until_the_one_before_is_stored(start: Start, redis: Redis) -> None:
    """Two frames in one breath: the second is published after the first one's `opened`, so no worker can swap them."""
    async with start() as gateway, gateway.client() as ann:
        await ann.send("s", message_id="first")
        await ann.send("s", message_id="second")
        first = await the_question(redis)
        await ann.send("other", message_id="third")
        await the_question(redis, number=2)
        elsewhere = {turn.session_id for turn in await questions(redis)}
        assert len(elsewhere) == 2

        await first.announce()
        await the_question(redis, number=3)
        asked = await questions(redis)
        assert [turn.session_id for turn in asked].count(first.turn.session_id) == 2
