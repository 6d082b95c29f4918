"""Everything of `docker-compose.yml`, up on an engine, for the length of a `with` block."""

import os
import secrets
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from docker.models.containers import Container

from deploy.compose.passwords import NAMES
from tests.containers.engine import Engine
from tests.containers.tools import ROOT

PROJECT = "eloquent-test"
TAG = "test"
UP_SECONDS = 600.0
DOWN_SECONDS = 120.0


@dataclass(frozen=True)
class Stack:
    """What is up.

    Attributes:
        url: of the gateway.
        editor_password: of the local editor.
    """

    engine: Engine
    url: str
    editor_password: str

    def containers(self) -> Mapping[str, Container]:
        """By the service's name; the one that has done its work and left, too."""
        found = self.engine.client.containers.list(all=True, filters={"label": f"com.docker.compose.project={PROJECT}"})
        return {one.labels["com.docker.compose.service"]: one for one in found}


class UpError(Exception):
    """Compose could not bring everything up; the message has what it said."""


@contextmanager
def up(engine: Engine, binary: Path) -> Iterator[Stack]:
    """Everything is healthy; afterwards nothing of it is left.

    Raises:
        UpError: something did not get healthy.
    """
    passwords = {name: f"Ab-1{secrets.token_urlsafe(24)}" for name in NAMES}
    port, identity_port = _free_ports(2)
    environment = {
        **passwords,
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "DOCKER_HOST": engine.address,
        "ELOQUENT_TAG": TAG,
        "PORT": str(port),
        "IDENTITY_PORT": str(identity_port),
    }
    try:
        _compose(binary, environment, "up", "--detach", "--no-build", "--pull", "never", "--wait", seconds=UP_SECONDS)
        yield Stack(engine, f"http://127.0.0.1:{port}", passwords["EDITOR_PASSWORD"])
    finally:
        _compose(binary, environment, "down", "--volumes", "--timeout", "10", seconds=DOWN_SECONDS)


def _compose(binary: Path, environment: Mapping[str, str], *words: str, seconds: float) -> None:
    command: Sequence[str | Path] = [binary, "--env-file", os.devnull, "--project-name", PROJECT, *words]
    result = subprocess.run(
        command,
        cwd=ROOT,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=seconds,
        check=False,
    )
    if result.returncode:
        raise UpError("\n".join(result.stderr.splitlines()[-15:]))


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()
