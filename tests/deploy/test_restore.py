"""A backup comes back as it was, and one that does not is told apart."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from deploy.restore.__main__ import main
from deploy.restore.drill import drill, facts_now
from deploy.restore.facts import Facts
from deploy.restore.verify import compared, verify
from history_service.open_turn import open_turn
from history_service.past import PastLimits
from history_service.record_answer import record_answer
from history_service.turns import PostgresTurns
from libs.contracts.values import Citation, Place
from tests.builders import a_principal, a_question, an_answer
from tests.integration.ingest.builders import Library

TEXTS = "A transfer takes ten seconds.\n\nA lost card costs seven euros.\n\nThe counter opens at nine."


@pytest.fixture
async def busy_database(pool: asyncpg.Pool, database_url: str, tmp_path: Path) -> str:
    """The address of a database with a document of three passages and two cited answers."""
    library, owner = Library(pool, tmp_path), a_principal()
    await library.add(TEXTS, by=owner)
    await library.index_all()
    turns = PostgresTurns(pool, past=PastLimits(turns=10, characters=12_000))
    for text in ("Ten seconds [1].", "Zehn Sekunden [1]. 十秒"):
        asked = a_question(principal=owner)
        await open_turn(asked, store=turns)
        citation = Citation(
            number=1,
            chunk_id=uuid4(),
            document_id=uuid4(),
            version=1,
            title="Transfers",
            media_type="text/plain",
            place=Place(heading=(), start=0, end=5),
            quote="A transfer takes ten seconds.",
        )
        await record_answer(an_answer(text, turn=asked.turn, citations=(citation,)), store=turns)
    return database_url


async def test_a_restored_database_is_the_one_that_was_lost(busy_database: str, pool: asyncpg.Pool) -> None:
    """Schema, rows, cited answers byte for byte, passages found; nothing of the drill is left, and it says its time."""
    report = await drill(busy_database, busy_database)

    assert report.holds, "\n".join(report.lines())
    said = "\n".join(report.lines())
    assert "cited answers: 2 of 2 as they were, 0 damaged" in said
    assert "found by words: 3 of 3 passages" in said
    assert "found by vectors: 3 of 3 passages" in said
    assert "Recovery time: " in said
    assert set(report.seconds) == {"backup", "restore", "verify"}
    assert not await pool.fetchval("SELECT count(*) FROM pg_database WHERE datname LIKE 'eloquent_drill%'")


async def test_damage_is_found(busy_database: str, pool: asyncpg.Pool) -> None:
    """Each kind by the check that is for it: a text, a citation, rows, vectors, words."""
    before = await facts_now(busy_database)
    for damage in (
        "UPDATE chat_messages SET content = content || '!' WHERE content LIKE 'Ten%'",
        "UPDATE chat_messages SET citations = citations || citations WHERE content LIKE 'Zehn%'",
        "DELETE FROM knowledge_versions",
        "UPDATE chunk_vectors SET collection = 'elsewhere'",
        "DELETE FROM lexical_sizes",
    ):
        await pool.execute(damage)

    found = {one.name: one for one in await verify(busy_database, before)}

    assert {name for name, one in found.items() if one.holds} == {"schema", "release", "structure"}
    assert found["cited answers"].found == "0 of 2 as they were, 1 damaged"
    assert found["found by words"].found == found["found by vectors"].found == "0 of 3 passages"


async def test_facts_that_differ_are_named(busy_database: str) -> None:
    """Another release's schema, an index that is gone or invalid; rows may differ by as much as is allowed."""
    before = Facts.from_json((await facts_now(busy_database)).to_json())
    index, migration = "index documents_listed", "history_service 1"

    def failed(allowed: float = 0.0, **changed: Any) -> set[str]:
        return {one.name for one in compared(before, replace(before, **changed), allowed=allowed) if not one.holds}

    assert failed() == set()
    assert failed(migrations={**before.migrations, migration: "x"}) == {"schema", "release"}
    assert failed(structure={key: text for key, text in before.structure.items() if key != index}) == {"structure"}
    assert failed(structure={**before.structure, "index new": "CREATE INDEX INVALID"}) == {"structure"}
    assert failed(tables={**before.tables, "chunks": 2}) == {"rows"}
    assert failed(0.5, tables={**before.tables, "chunks": 2}) == set()


def test_a_restore_by_other_means_is_verified(
    busy_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`facts` prints what `verify` reads; addresses come from the environment, and are asked for."""
    monkeypatch.setattr(sys, "argv", ["restore", "facts"])
    with pytest.raises(SystemExit):
        main()
    monkeypatch.setenv("DRILL_SOURCE_URL", busy_database)
    monkeypatch.setenv("DRILL_TARGET_URL", busy_database)
    assert main() == 0
    file = tmp_path / "facts.json"
    file.write_text(capsys.readouterr().out)

    monkeypatch.setattr(sys, "argv", ["restore", "verify", str(file)])

    assert main() == 0
    assert "Sound." in capsys.readouterr().out
