"""Where a client goes on, and when it must begin again."""

from uuid import uuid4

import pytest

from gateway.cursor import Numbered, Numbering
from gateway.ui_stream import Chunk

ANSWER_ID = uuid4()
TOLD = (*((f"chunk {n}", "opened") for n in range(3)), *((f"chunk {n}", "first") for n in range(3, 8)))
"""Chunks, and the attempts that said them."""


async def numbered(*told: tuple[str, str], after: str | None = None) -> list[Numbered]:
    sent: list[Numbered] = []

    async def send(one: Numbered) -> None:
        sent.append(one)

    numbering = Numbering(ANSWER_ID, after=after, send=send)
    for text, attempt in told:
        await numbering.number(_chunk(text), attempt)
    await numbering.finish()
    return sent


def _chunk(text: str) -> Chunk:
    return {"type": "text-delta", "delta": text}


async def test_chunks_are_numbered_without_a_gap() -> None:
    """From 0, over all attempts."""
    assert [one.sequence for one in await numbered(*TOLD)] == list(range(len(TOLD)))


@pytest.mark.parametrize("have", range(len(TOLD)))
async def test_a_client_gets_what_is_behind_its_cursor(have: int) -> None:
    """Every chunk's cursor goes on with the next chunk, numbered as before."""
    whole = await numbered(*TOLD)

    assert await numbered(*TOLD, after=whole[have].cursor) == whole[have + 1 :]


@pytest.mark.parametrize(
    "lost",
    [
        pytest.param(TOLD[3:], id="the announcements"),
        pytest.param((*TOLD[:3], ("other", "second"), *TOLD[3:]), id="an attempt more"),
        pytest.param((*TOLD[:3], *((text, "second") for text, _ in TOLD[3:])), id="another attempt"),
        pytest.param((*TOLD[:2], *TOLD[3:], ("more", "first")), id="a frame of the attempt before"),
        pytest.param(TOLD[:5], id="the end"),
    ],
)
async def test_a_log_that_is_another_now_is_read_from_its_beginning(lost: tuple[tuple[str, str], ...]) -> None:
    """Redis forgot a part, and the same number stands for something else: better twice than with a gap."""
    cursor = (await numbered(*TOLD))[6].cursor

    assert await numbered(*lost, after=cursor) == await numbered(*lost)


async def test_a_cursor_of_another_answer_does_not_fit() -> None:
    """A session may wait for another answer by now."""
    sent: list[Numbered] = []

    async def send(one: Numbered) -> None:
        sent.append(one)

    other = Numbering(uuid4(), after=(await numbered(*TOLD))[6].cursor, send=send)
    for text, attempt in TOLD:
        await other.number(_chunk(text), attempt)

    assert [one.sequence for one in sent] == list(range(len(TOLD)))
