"""What is promised in writing is proved by tests that are there."""

import re
from pathlib import Path

import pytest

from tests.architecture.checkout import ROOT, text
from tests.fault.rows import MUTANTS, ROWS

DOCUMENT = Path("docs/guarantees.md")
WRITTEN = text(DOCUMENT) or ""
ABUSES = re.findall(r"^\| (.+?) \| (.*\.\./tests/.+) \|$", WRITTEN.partition("\n## Abuse\n")[2], re.MULTILINE)
PROMISES = re.findall(r"^### (\d+\. .+)\n((?:(?!^##).*\n)+)", WRITTEN, re.MULTILINE)


@pytest.mark.parametrize(("title", "body"), PROMISES, ids=[title for title, _ in PROMISES])
def test_a_promise_has_a_proof_and_a_limit(title: str, body: str) -> None:
    """It links a module with tests, or one of the table of faults, and says what it does not cover."""
    proof, _, limit = body.partition("- Not covered:")
    linked = [ROOT / DOCUMENT.parent / target for target in re.findall(r"\]\((\.\./tests/[^)#]+)\)", proof)]

    assert linked
    assert limit.strip()
    for path in linked:
        assert path.match("tests/fault/*.py") or re.search(r"^(async )?def test_", path.read_text(), re.MULTILINE), path


@pytest.mark.parametrize(("abuse", "held_by"), ABUSES, ids=[abuse[:30] for abuse, _ in ABUSES])
def test_an_abuse_is_held_by_tests_that_are_there(abuse: str, held_by: str) -> None:
    """Each link leads to a module with tests, and a test that is named is in one of them."""
    modules = [
        (ROOT / DOCUMENT.parent / target).read_text() for target in re.findall(r"\]\((\.\./tests/[^)#]+)\)", held_by)
    ]
    tests = [set(re.findall(r"^(?:async )?def (test_\w+)", module, re.MULTILINE)) for module in modules]

    assert all(tests), abuse
    assert set(re.findall(r"`(test_\w+)`", held_by)) <= set().union(*tests)


def test_abuses_are_listed() -> None:
    """None is left out by a table that is spelled otherwise."""
    assert len(ABUSES) == WRITTEN.partition("\n## Abuse\n")[2].partition("\n## ")[0].count("\n|") - 2
    assert len(ABUSES) > 10


def test_promises_are_numbered() -> None:
    """None is left out by a heading that is spelled otherwise."""
    assert [int(title.split(".")[0]) for title, _ in PROMISES] == list(range(1, len(PROMISES) + 1))
    assert len(PROMISES) > 10


def test_rows_and_flaws_that_are_named_exist() -> None:
    """Every row of a proof is in the table of faults, and every flaw that must be noticed is named."""
    lists = re.findall(r"\brows? ((?:\d+(?:, | and )?)+)", WRITTEN)
    named = {int(number) for numbers in lists for number in re.findall(r"\d+", numbers)}

    assert named
    assert named <= set(ROWS)
    assert [flaw for flaw in MUTANTS if f"`{flaw}`" not in WRITTEN] == []
