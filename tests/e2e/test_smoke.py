"""The smoke test says yes to a run that works, and no to one that does not."""

import pytest

from deploy.smoke import smoke
from tests.e2e.model import new_question
from tests.e2e.stack import Stack

TITLE = "Transfers"


async def test_a_run_that_works_passes(stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    """A guest, a cited answer, its history, a stranger kept out: each step says what it saw."""
    assert await smoke(stack.url, question=new_question(), document=TITLE, within=30) == 0

    said = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in said] == [
        "ok  guest",
        "ok  answer",
        "ok  citations",
        "ok  history",
        "ok  strangers",
        "ok  leaving",
    ]
    assert TITLE in said[2]


async def test_an_answer_without_the_document_does_not_pass(stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    """A deployment whose knowledge is gone answers as friendly as before."""
    assert await smoke(stack.url, question=new_question(), document="Fees", within=30) == 1

    assert "no  citations: Fees is not cited" in capsys.readouterr().err


async def test_nobody_at_home_does_not_pass(capsys: pytest.CaptureFixture[str]) -> None:
    """It says so, and ends."""
    assert await smoke("http://127.0.0.1:1", within=5) == 1

    assert "no  guest: ConnectError" in capsys.readouterr().err
