"""Migrations run once, in order, by one process at a time."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import asyncpg
import pytest

from libs.db.migrate import MigrationError, migrate, service_folders


def a_folder(root: Path, service: str = "history_service", **files: str) -> Path:
    folder = root / service / "migrations"
    folder.mkdir(parents=True, exist_ok=True)
    for name, sql in files.items():
        (folder / f"{name.removeprefix('n')}.sql").write_text(sql)
    return folder


async def test_files_are_applied_in_order_and_once(empty_database_url: str, tmp_path: Path) -> None:
    """A later file sees what an earlier one made; a second run has nothing to do."""
    folder = a_folder(tmp_path, n0002_fill="INSERT INTO a VALUES (1)", n0001_make="CREATE TABLE a (b integer)")

    first = await migrate(empty_database_url, [folder])
    second = await migrate(empty_database_url, [folder])

    assert [migration.number for migration in first] == [1, 2]
    assert second == []
    assert await ask(empty_database_url, "SELECT count(*) FROM a") == 1


async def test_the_services_own_migrations_apply_to_an_empty_database(empty_database_url: str) -> None:
    """What ships works from nothing."""
    applied = await migrate(empty_database_url, service_folders())

    assert {migration.service for migration in applied} == {"history_service", "ingest_service"}


async def test_runs_at_the_same_time_wait_for_each_other(empty_database_url: str, tmp_path: Path) -> None:
    """However many tasks of a deploy migrate, each file runs once and none of them fails."""
    folder = a_folder(tmp_path, n0001_make="CREATE TABLE a (b integer)", n0002_fill="INSERT INTO a VALUES (1)")

    runs = await asyncio.gather(*(migrate(empty_database_url, [folder]) for _ in range(5)))

    assert sorted(len(run) for run in runs) == [0, 0, 0, 0, 2]
    assert await ask(empty_database_url, "SELECT count(*) FROM a") == 1


async def test_an_index_is_built_while_others_write(empty_database_url: str, tmp_path: Path) -> None:
    """A file outside of a transaction can build it concurrently, also while other runs wait for their turn."""
    folder = a_folder(
        tmp_path,
        n0001_make="CREATE TABLE a (b integer)",
        n0002_index="-- outside a transaction\nDROP INDEX CONCURRENTLY IF EXISTS a_b;\n"
        "CREATE INDEX CONCURRENTLY a_b ON a (b);\n",
    )

    runs = await asyncio.gather(*(migrate(empty_database_url, [folder]) for _ in range(3)))

    assert sorted(len(run) for run in runs) == [0, 0, 2]
    assert await ask(empty_database_url, "SELECT indisvalid FROM pg_index WHERE indexrelid = 'a_b'::regclass")


async def test_a_table_in_use_is_not_waited_for_in_line(empty_database_url: str, tmp_path: Path) -> None:
    """Who wants all of a table gives up before others pile up behind it, tries again, and at last says so."""
    await migrate(empty_database_url, [a_folder(tmp_path, n0001_make="CREATE TABLE a (b integer)")])
    folder = a_folder(tmp_path, n0002_more="ALTER TABLE a ADD COLUMN c integer")
    user = await asyncpg.connect(empty_database_url)
    try:
        async with user.transaction():
            await user.execute("LOCK TABLE a IN ACCESS SHARE MODE")
            with pytest.raises(MigrationError, match=r"0002_more\.sql: a table it needs stayed in use"):
                await migrate(empty_database_url, [folder], lock_timeout_seconds=0.05, lock_attempts=2)
    finally:
        await user.close()

    assert [one.number for one in await migrate(empty_database_url, [folder])] == [2]


async def test_a_changed_file_is_refused(empty_database_url: str, tmp_path: Path) -> None:
    """What ran is history: the message names the file, and nothing behind it runs."""
    await migrate(empty_database_url, [a_folder(tmp_path, n0001_make="CREATE TABLE a (b integer)")])
    folder = a_folder(tmp_path, n0001_make="CREATE TABLE a (b bigint)", n0002_more="CREATE TABLE c (d integer)")

    with pytest.raises(MigrationError, match=r"history_service/migrations/0001_make\.sql: changed"):
        await migrate(empty_database_url, [folder])

    assert await ask(empty_database_url, "SELECT to_regclass('c')") is None


async def test_a_file_that_fails_leaves_nothing_behind(empty_database_url: str, tmp_path: Path) -> None:
    """Its statements are undone, the files before it stay, and it can be mended."""
    folder = a_folder(
        tmp_path, n0001_make="CREATE TABLE a (b integer)", n0002_bad="CREATE TABLE c (d integer); SELECT 1/0"
    )

    with pytest.raises(MigrationError, match=r"0002_bad\.sql"):
        await migrate(empty_database_url, [folder])
    assert await ask(empty_database_url, "SELECT to_regclass('c')") is None
    a_folder(tmp_path, n0002_bad="CREATE TABLE c (d integer)")

    mended = await migrate(empty_database_url, [folder])

    assert [migration.name for migration in mended] == ["bad"]


async def test_a_number_that_comes_too_late_is_refused(empty_database_url: str, tmp_path: Path) -> None:
    """Two branches that number alike are noticed, not applied in another order than elsewhere."""
    await migrate(empty_database_url, [a_folder(tmp_path, n0002_second="SELECT 1")])

    with pytest.raises(MigrationError, match=r"0001_first\.sql.*higher number"):
        await migrate(empty_database_url, [a_folder(tmp_path, n0001_first="SELECT 1")])


async def test_an_older_release_leaves_newer_files_alone(empty_database_url: str, tmp_path: Path) -> None:
    """After a rollback of the code the database is ahead, and that is no error."""
    newer = a_folder(tmp_path / "newer", n0001_first="SELECT 1", n0002_second="SELECT 1")
    await migrate(empty_database_url, [newer])

    assert await migrate(empty_database_url, [a_folder(tmp_path / "older", n0001_first="SELECT 1")]) == []


@pytest.mark.parametrize("name", ["1_short", "0001-dash", "0001_Upper"])
async def test_a_badly_named_file_is_refused(empty_database_url: str, tmp_path: Path, name: str) -> None:
    """A file that would be left out in silence stops the run."""
    folder = a_folder(tmp_path)
    (folder / f"{name}.sql").write_text("SELECT 1")

    with pytest.raises(MigrationError, match=name):
        await migrate(empty_database_url, [folder])


async def test_two_files_with_one_number_are_refused(empty_database_url: str, tmp_path: Path) -> None:
    """Which of the two runs is not left to chance."""
    with pytest.raises(MigrationError, match="taken"):
        await migrate(empty_database_url, [a_folder(tmp_path, n0001_a="SELECT 1", n0001_b="SELECT 1")])


async def test_a_missing_folder_is_refused(empty_database_url: str, tmp_path: Path) -> None:
    """An image built without the SQL files does not pass for migrated."""
    with pytest.raises(MigrationError, match="history_service"):
        await migrate(empty_database_url, [tmp_path / "history_service" / "migrations"])


def test_the_command_says_what_it_applied(empty_database_url: str) -> None:
    """`python -m libs.db.migrate` succeeds twice, and says that the second run had nothing to do."""
    first, second = run(empty_database_url), run(empty_database_url)

    assert "applied history_service/migrations/0001_turns.sql" in first.stdout
    assert (second.returncode, second.stdout) == (0, "nothing to migrate\n")


def test_the_command_fails_without_a_database() -> None:
    """One line, no traceback, no password."""
    result = run("postgresql://eloquent:hunter2@127.0.0.1:1/eloquent")

    assert result.returncode == 1
    assert result.stderr.startswith("migrate: the database did not answer")
    assert "hunter2" not in result.stderr
    assert result.stderr.count("\n") == 1


def run(url: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "libs.db.migrate"],
        env={**os.environ, "DATABASE_URL": url},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


async def ask(url: str, query: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()
