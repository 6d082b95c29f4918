"""A Docker engine: the machine's own where one answers, else one that is started here and ended afterwards."""

import contextlib
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import docker
from docker.errors import DockerException

PACKAGE = "docker.io"
START_SECONDS = 60.0
STOP_SECONDS = 60.0
INSTALL_SECONDS = 600.0
POLL_SECONDS = 0.2


class NotHereError(Exception):
    """The containers cannot be tried on this machine; the message says what is missing."""


@dataclass(frozen=True)
class Engine:
    """An engine that answers.

    Attributes:
        client: of its API.
        address: for other clients of it.
        ours: it was started here: its images and containers are nobody else's.
    """

    client: docker.DockerClient
    address: str
    ours: bool


@contextmanager
def engine(folder: Path) -> Iterator[Engine]:
    """An engine; one that was started here keeps its images in `folder`, so that the next time is quicker.

    Raises:
        NotHereError: none answers and none can be started.
    """
    try:
        client = docker.from_env(timeout=600)
        client.ping()
    except DockerException:
        # None is there; one is started below.
        pass
    else:
        yield Engine(client, os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock"), ours=False)
        return
    with _started(folder) as address:
        yield Engine(docker.DockerClient(address, timeout=600), address, ours=True)


@contextmanager
def _started(folder: Path) -> Iterator[str]:
    if os.geteuid() != 0:
        raise NotHereError("no Docker engine answers, and only root can start one")
    program = _installed("dockerd", PACKAGE)
    folder.mkdir(parents=True, exist_ok=True)
    address = f"unix://{folder}/socket"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                *(program, "--host", address, "--data-root", folder / "data", "--exec-root", folder / "run"),
                # Each container weighs as much as any process; below the default parent all of them together would.
                *("--pidfile", folder / "pid", "--group", "root", "--cgroup-parent", "/"),
                # Compose makes its own networks, and takes them away again; a default bridge, rules of the firewall and
                # a switched-on forwarding would stay. Containers of a network reach each other without.
                *("--bridge", "none", "--iptables=false", "--ip6tables=false", "--ip-forward=false"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        _wait(process, address, folder / "log")
        yield address
    finally:
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)
        process.kill()
        process.wait()
        # The engine leaves it, and a folder with a mount in it cannot be removed.
        subprocess.run(["umount", "--quiet", folder / "run" / "netns" / "default"], check=False)


def _wait(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    late = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < late:
        with contextlib.suppress(DockerException), contextlib.closing(docker.DockerClient(address)) as client:
            client.ping()
            return
        time.sleep(POLL_SECONDS)
    last = "\n".join(log.read_text(errors="replace").splitlines()[-5:])
    raise NotHereError(f"a Docker engine does not run on this machine:\n{last}")


def _installed(program: str, package: str) -> str:
    """The path of a program; its package is installed when it is missing.

    Raises:
        NotHereError: it cannot be.
    """
    found = shutil.which(program)
    if found is None and shutil.which("apt-get"):
        print(f"Installing {package}", flush=True)
        for words in (("update", "-qq"), ("install", "-qq", "-y", "--no-install-recommends", package)):
            subprocess.run(
                ["apt-get", *words],
                env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                timeout=INSTALL_SECONDS,
                check=False,
            )
        found = shutil.which(program)
    if found is None:
        raise NotHereError(f"{program} is missing; install it (on Debian the package {package})")
    return found


def installed(program: str) -> str:
    """The path of a program whose package has its name; the package is installed when it is missing.

    Raises:
        NotHereError: it cannot be.
    """
    return _installed(program, program)
