"""Numbered SQL files, run once and in order, while the services run: `python -m libs.db.migrate`, once per deploy."""

import asyncio
import hashlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import asyncpg

from libs.config import PostgresSettings, load
from libs.db.errors import translated
from libs.errors import EloquentError, PermanentError, TransientError

_LOCK = 0x656C_6F71_7565_6E74
"""One advisory lock for all services: an extension or a type may be shared. The bytes say `eloquent`."""

_FILE = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")

OUTSIDE_TRANSACTION = "-- outside a transaction"
"""The first line of a file whose statements run in no transaction (`CREATE INDEX CONCURRENTLY`). Each of them ends a
line with a semicolon, and all can be run again after a failure in the middle."""

_PAUSE_SECONDS = 0.05

_CREATE_TABLE = """
    CREATE TABLE IF NOT EXISTS schema_migrations (
        service    text        NOT NULL,
        number     integer     NOT NULL,
        name       text        NOT NULL,
        checksum   text        NOT NULL,
        applied_at timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (service, number)
    )
"""

_APPLIED = "SELECT service, number, checksum FROM schema_migrations"

_RECORD = "INSERT INTO schema_migrations (service, number, name, checksum) VALUES ($1, $2, $3, $4)"


class MigrationError(EloquentError):
    """The migrations cannot be applied as they are; the message names the file."""


class Migration(NamedTuple):
    """One file: `<service>/migrations/<number>_<name>.sql`."""

    service: str
    number: int
    name: str
    checksum: str
    sql: str

    @property
    def file(self) -> str:
        """Its path as people know it."""
        return f"{self.service}/migrations/{self.number:04}_{self.name}.sql"

    @property
    def is_alone(self) -> bool:
        """Its statements run outside of a transaction."""
        return self.sql.startswith(OUTSIDE_TRANSACTION)


def service_folders() -> tuple[Path, ...]:
    """The migration folders of the services beside this package."""
    root = Path(__file__).resolve().parents[2]
    return tuple(root / service / "migrations" for service in ("history_service", "ingest_service"))


async def migrate(
    dsn: str, folders: Sequence[Path], *, lock_timeout_seconds: float = 3.0, lock_attempts: int = 10
) -> list[Migration]:
    """Afterwards every file of `folders` is applied; a second run changes nothing, concurrent runs wait for each other.

    Args:
        dsn: of a role that may create tables.
        folders: `<service>/migrations`, in the order in which the services' files are applied.
        lock_timeout_seconds: how long a statement stands in line for a table; whoever comes later waits behind it.
        lock_attempts: how often a file is tried that did not get its table.

    Returns:
        what this run applied, in order.

    Raises:
        MigrationError: a file was changed or slipped in after it should have run, has a bad name, failed, or found a
            table in use for all of its tries; the files before it stay applied.
        TransientError: the database does not answer.
    """
    migrations = [migration for folder in folders for migration in read_folder(folder)]
    with translated():
        connection = await asyncpg.connect(dsn, timeout=10.0, server_settings={"application_name": "migrate"})
        try:
            # Held by the session: it ends with the connection, however this process ends. Asked for again and again:
            # who waits in a statement has a snapshot, for whose end CREATE INDEX CONCURRENTLY waits.
            while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK):  # noqa: ASYNC110 - not ours
                await asyncio.sleep(_PAUSE_SECONDS)
            await connection.execute(_CREATE_TABLE)
            applied = {(row["service"], row["number"]): row["checksum"] for row in await connection.fetch(_APPLIED)}
            pending = unapplied(migrations, applied)
            for migration in pending:
                await _apply(connection, migration, lock_timeout_seconds, lock_attempts)
        finally:
            await connection.close()
    return pending


def read_folder(folder: Path) -> list[Migration]:
    """The folder's files, by number.

    Raises:
        MigrationError: there is no such folder, a name is not `NNNN_name.sql`, or two files share a number.
    """
    service = folder.parent.name
    if not folder.is_dir():
        raise MigrationError(f"{service} has no folder of migrations")
    migrations: dict[int, Migration] = {}
    for path in sorted(folder.glob("*.sql")):
        match = _FILE.fullmatch(path.name)
        if match is None:
            raise MigrationError(f"{service}/migrations/{path.name}: call it NNNN_name.sql, in lower case")
        sql = path.read_text(encoding="utf-8")
        checksum = hashlib.sha256(sql.encode()).hexdigest()
        migration = Migration(service, int(match[1]), match[2], checksum, sql)
        if migration.number in migrations:
            raise MigrationError(f"{migration.file}: the number is taken by {migrations[migration.number].file}")
        migrations[migration.number] = migration
    return list(migrations.values())


def unapplied(migrations: Sequence[Migration], applied: Mapping[tuple[str, int], str]) -> list[Migration]:
    """What is still to run, in order; a number the database knows and we do not is a newer release's and is left alone.

    Raises:
        MigrationError: a file differs from what was applied, or has a number below one that was applied.
    """
    pending = []
    for migration in migrations:
        checksum = applied.get((migration.service, migration.number))
        latest = max((number for service, number in applied if service == migration.service), default=0)
        if checksum is None and migration.number < latest:
            raise MigrationError(f"{migration.file}: number {latest:04} is applied already; give this a higher number")
        if checksum is None:
            pending.append(migration)
        elif checksum != migration.checksum:
            raise MigrationError(f"{migration.file}: changed since it was applied; undo that and add a new file")
    return pending


async def _apply(connection: asyncpg.Connection, migration: Migration, timeout_seconds: float, attempts: int) -> None:
    for attempt in range(attempts):
        try:
            with translated():
                if migration.is_alone:
                    await _apply_alone(connection, migration)
                else:
                    await _apply_whole(connection, migration, timeout_seconds)
        except (asyncpg.PostgresError, PermanentError) as error:
            raise MigrationError(f"{migration.file}: {error}") from error
        except TransientError as error:
            if not isinstance(error.__cause__, asyncpg.LockNotAvailableError):
                raise
            if attempt == attempts - 1:
                raise MigrationError(f"{migration.file}: a table it needs stayed in use; run it again") from error
        else:
            return


async def _apply_whole(connection: asyncpg.Connection, migration: Migration, timeout_seconds: float) -> None:
    async with connection.transaction():
        await connection.execute(f"SET LOCAL lock_timeout = {round(timeout_seconds * 1000)}")
        await connection.execute(migration.sql)
        await _record(connection, migration)


async def _apply_alone(connection: asyncpg.Connection, migration: Migration) -> None:
    # Several statements in one message would be one transaction. Nobody waits behind them, so they may wait.
    for statement in filter(str.strip, re.split(r";[ \t]*$", migration.sql, flags=re.MULTILINE)):
        await connection.execute(statement)
    await _record(connection, migration)


async def _record(connection: asyncpg.Connection, migration: Migration) -> None:
    await connection.execute(_RECORD, migration.service, migration.number, migration.name, migration.checksum)


def main() -> None:
    """Apply what is pending and say so.

    Raises:
        SystemExit: with one line that says what to do.
    """
    [settings] = load(PostgresSettings)
    try:
        applied = asyncio.run(migrate(str(settings.database_url), service_folders()))
    except EloquentError as error:
        raise SystemExit(f"migrate: {error}") from error
    for migration in applied:
        print(f"applied {migration.file}")  # noqa: T201 - a command's output
    print(f"{len(applied)} migrations applied" if applied else "nothing to migrate")  # noqa: T201 - a command's output


if __name__ == "__main__":
    main()
