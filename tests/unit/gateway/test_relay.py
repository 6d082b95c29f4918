"""Every frame reaches the client, and what the client ends with is what is stored."""

import pytest
import structlog

from gateway.ports import StoredAnswer
from gateway.relay import ROW_TRIES, SILENT_BATCHES, Relay
from gateway.ui_stream import Chunk
from libs.contracts.frames import Delta, Ended, Started
from libs.errors import RequestError, TransientError
from libs.telemetry.troubles import Trouble
from tests.unit.gateway.builders import (
    ANSWER_ID,
    Frames,
    ScriptedFrames,
    a_stored_answer,
    ended,
    kinds_of,
    opened,
)
from tests.unit.gateway.chunk_rules import text_of

UNTAKEN_SECONDS = 30
SILENCE: list[Frames | None] = [None] * SILENT_BATCHES


class Rows:
    """What history has: the answers it gives, one after the other, the last one for good."""

    def __init__(self, *answers: StoredAnswer | TransientError | None) -> None:
        self._answers = list(answers) or [None]
        self.reads = 0

    async def __call__(self) -> StoredAnswer | None:
        self.reads += 1
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, TransientError):
            raise answer
        return answer


async def relayed(*batches: Frames | None, rows: Rows | None = None, sent: list[Chunk] | None = None) -> list[Chunk]:
    chunks = [] if sent is None else sent

    async def send(chunk: Chunk, _attempt: str) -> None:
        chunks.append(chunk)

    away = Trouble(structlog.get_logger(), begins="history is away", ends="history is back")
    relay = Relay(ANSWER_ID, send=send, row=rows or Rows(), untaken_seconds=UNTAKEN_SECONDS, away=away)
    await relay.run(ScriptedFrames(*batches))
    return chunks


def written(text: str) -> Frames:
    return [(1, Started(model="m")), (1, Delta(text=text))]


async def test_an_answer_is_relayed_without_its_row() -> None:
    """Where what was sent is what is stored, history is not asked."""
    rows = Rows()
    chunks = await relayed(written("Yes."), [(1, ended("Yes."))], rows=rows)

    assert text_of(chunks) == "Yes."
    assert rows.reads == 0


async def test_what_is_stored_takes_the_place_of_what_was_sent() -> None:
    """The digest of the last frame decides."""
    chunks = await relayed(written("Wrong"), [(1, ended("Right"))], rows=Rows(a_stored_answer("Right")))

    assert text_of(chunks) == "Right"
    assert kinds_of(chunks)[-1] == "finish"
    assert kinds_of(chunks).count("finish") == 1


async def test_a_log_with_nothing_but_its_end_is_read_from_the_row() -> None:
    """The frames may have been lost with Redis."""
    chunks = await relayed([(1, ended("Stored"))], rows=Rows(a_stored_answer("Stored")))

    assert text_of(chunks) == "Stored"


async def test_a_replica_that_is_behind_is_asked_again() -> None:
    """The last frame tells of a commit that a replica may not have seen."""
    rows = Rows(None, None, a_stored_answer("Late"))

    assert text_of(await relayed([(1, ended("Late"))], rows=rows)) == "Late"
    assert rows.reads == 3


async def test_an_answer_whose_row_is_gone_has_failed() -> None:
    """What was sent is not the answer, and there is no other."""
    rows = Rows()
    chunks = await relayed(written("Wrong"), [(1, ended("Right"))], rows=rows)

    assert kinds_of(chunks)[-1] == "error"
    assert "finish" not in kinds_of(chunks)
    assert rows.reads == ROW_TRIES


async def test_a_failed_answer_without_text_takes_back_what_was_sent() -> None:
    """And says why; history need not be asked for an empty text."""
    rows = Rows()
    end: Ended = ended("", status="failed", failure="model_refused")
    chunks = await relayed(written("Half an ans"), [(1, end)], rows=rows)

    assert text_of(chunks) == ""
    assert "refused" in chunks[-1]["errorText"]
    assert rows.reads == 0


async def test_history_away_at_the_end_is_said() -> None:
    """The client may come back for the rest."""
    with pytest.raises(TransientError):
        await relayed([(1, ended("Stored"))], rows=Rows(TransientError("the history api does not answer")))


async def test_an_answer_that_ended_unheard_is_read_from_its_row() -> None:
    """A log that Redis forgot never ends; after some seconds of silence history is asked."""
    chunks = await relayed(written("Half"), *SILENCE, [(1, Delta(text=" never"))], rows=Rows(a_stored_answer("Whole")))

    assert text_of(chunks) == "Whole"
    assert kinds_of(chunks)[-1] == "finish"


async def test_a_silent_model_is_waited_for() -> None:
    """Silence is no end: history says that the answer is under way, or does not say anything."""
    away = TransientError("the history api does not answer")
    with structlog.testing.capture_logs():
        chunks = await relayed(
            written("Half"), *SILENCE, *SILENCE, [(1, Delta(text=" and half"))], [(1, ended("Half and half"))],
            rows=Rows(away, None),
        )  # fmt: skip

    assert text_of(chunks) == "Half and half"


async def test_history_is_asked_for_a_silent_answer_now_and_then() -> None:
    """Not every second: there may be thousands that wait for their model."""
    rows = Rows()
    quiet = SILENCE[1:]
    await relayed(written("a"), *quiet, [(1, Delta(text="b"))], *quiet, [(1, ended("ab"))], rows=rows)
    assert rows.reads == 0

    await relayed(written("a"), *SILENCE, *quiet, [(1, ended("a"))], rows=rows)
    assert rows.reads == 1


async def test_a_question_that_nobody_takes_is_given_back() -> None:
    """It was lost, or nobody works: the client can send it again with the same id."""
    with pytest.raises(RequestError, match="send it again") as caught:
        await relayed(*[None] * UNTAKEN_SECONDS, [(1, opened())])

    assert caught.value.code == "question_not_taken"


async def test_a_question_that_was_taken_is_not_given_back() -> None:
    """It is stored, and will be answered, however long that takes."""
    end = ended("", status="failed", failure="lost")
    chunks = await relayed([(1, opened())], *[None] * UNTAKEN_SECONDS * 2, [(2, end)])

    assert kinds_of(chunks)[-1] == "error"
