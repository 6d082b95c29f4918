"""What is promised in writing is proved by tests that are there."""

import re
from pathlib import Path

import pytest

from tests.architecture.checkout import ROOT, text
from tests.fault.rows import MUTANTS, ROWS

DOCUMENT = Path("docs/guarantees.md")
WRITTEN = text(DOCUMENT) or ""
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
