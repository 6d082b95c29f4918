"""A cancelled answer is what its user was shown: no word more, whoever finds out about the cancel."""

import asyncio

import pytest
from redis.asyncio import Redis

from generation_service.citations import cite
from libs.answers.attempt import AttemptStopped
from libs.answers.cancel import cancel
from libs.answers.hops import announce
from libs.answers.names import LogName
from libs.bus.outcome import Outcome
from libs.contracts.events import AnswerWritten
from libs.contracts.frames import Cited, Delta, PassagesFound
from libs.contracts.values import Turn
from tests.builders import a_passage, a_turn
from tests.integration.answers.builders import Recorder, an_entry, end_answer, parts, reply_of, text_of
from tests.polling import eventually

CITATION = cite(1, a_passage())


async def cancelled_after(redis: Redis, turn: Turn) -> None:
    """A worker has shown a text with a citation, and was writing on when its user cancelled."""
    log = LogName(0, turn.answer_id)
    entry = await an_entry(redis)
    async with parts(redis) as (writer, _):
        attempt = writer.attempt(entry, turn, model="m")
        with pytest.raises(AttemptStopped) as stopped:  # noqa: PT012 - the body is what is stopped
            async with attempt:
                attempt.write(Delta(text="Shown [1]"))
                attempt.write(Cited(citation=CITATION))
                await eventually(lambda: _has_frames(redis, log, 3))
                await cancel(redis, log)
                attempt.write(Delta(text=", and what nobody saw."))
                await asyncio.sleep(60)
    assert stopped.value.reason == "cancelled"
    assert (attempt.shown.text, attempt.shown.citations) == ("Shown [1]", (CITATION,))


async def test_the_writer_keeps_what_was_shown(redis: Redis) -> None:
    """Deltas that had not left when the log was closed are nobody's answer; its readers see just what is kept."""
    turn = a_turn()
    recorder = Recorder()

    await cancelled_after(redis, turn)

    await end_answer(redis, turn)
    async with parts(redis) as (_, reader):
        await recorder.read(reader, LogName(0, turn.answer_id))
    assert text_of(recorder.entries) == "Shown [1]"


async def test_an_answer_cancelled_as_it_finished_is_what_was_shown(redis: Redis) -> None:
    """The model was done, the last frames were on their way: the cancel was first."""
    turn = a_turn()
    log = LogName(0, turn.answer_id)
    async with parts(redis) as (writer, _):
        entry = await an_entry(redis)
        async with writer.attempt(entry, turn, model="m") as attempt:
            attempt.write(Delta(text="Shown"))
            await eventually(lambda: _has_frames(redis, log, 2))
        await cancel(redis, log)
        attempt.write(Delta(text=", and the rest."))
        whole = AnswerWritten(turn=turn, status="completed", text="Shown, and the rest.")
        outcome = attempt.finish(whole)

        instead = await outcome.step.refused(await reply_of(redis, entry, outcome))

    assert (_said(instead).status, _said(instead).text) == ("cancelled", "Shown")


async def test_who_takes_over_from_the_dead_keeps_what_they_had_shown(redis: Redis) -> None:
    """Cancelled while nobody wrote: whichever stage has the turn next finds text and citations in the log."""
    turn = a_turn()
    await cancelled_after(redis, turn)
    entry = await an_entry(redis, consumer="next")

    async with parts(redis) as (writer, _):
        attempt = writer.attempt(entry, turn, model="m")
        with pytest.raises(AttemptStopped):
            async with attempt:
                pytest.fail("the body must not run")
    outcome = announce(turn, PassagesFound(), then=None)
    instead = await outcome.step.refused(await reply_of(redis, entry, outcome))

    assert (attempt.shown.text, attempt.shown.citations) == ("Shown [1]", (CITATION,))
    assert _said(instead).status == "cancelled"
    assert (_said(instead).text, _said(instead).citations) == ("Shown [1]", (CITATION,))


def _said(outcome: Outcome | None) -> AnswerWritten:
    assert outcome is not None
    assert isinstance(outcome.next, AnswerWritten)
    return outcome.next


async def _has_frames(redis: Redis, log: LogName, frames: int) -> bool:
    return bool(await redis.xlen(log.key) == frames)
