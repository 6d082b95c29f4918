"""`python -m deploy.local.web_build`: the web page, built from `web/` when its sources have changed.

A build lies in `web/dist` under the fingerprint of its sources; `web/dist/current` leads to the latest. It is shared by
all runs of a checkout, and none of it is committed.
"""

import asyncio
import contextlib
import fcntl
import hashlib
import os
import shutil
import signal
import sys
from asyncio.subprocess import DEVNULL
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO

from deploy.local.node import Node, NoNodeError, find_node
from deploy.local.state import ROOT

WEB = ROOT / "web"
DIST = WEB / "dist"
CURRENT = DIST / "current"
KEPT_BUILDS = 2
"""The one before is kept: pages that are open load its parts."""
LOCK_PAUSE_SECONDS = 0.2

_NOT_SOURCES = frozenset({"node_modules", ".next", "out", "dist", "next-env.d.ts", "README.md", "vercel.json"})
_INSTALLED = WEB / "node_modules" / ".installed"

Watch = Callable[[int, signal.Signals], None]


class WebBuildError(Exception):
    """There is no page; the message says why, in one line."""


def fingerprint() -> str:
    """Of every file the page is made from."""
    digest = hashlib.sha256()
    for path in sorted(_sources(WEB)):
        digest.update(f"{path.relative_to(WEB)}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()[:16]


def is_current() -> bool:
    """The latest build is one of the sources as they are."""
    return CURRENT.is_dir() and CURRENT.resolve().name == fingerprint()


async def build(*, environment: Mapping[str, str], watch: Watch | None = None) -> None:
    """The page of these sources is `current`; one build at a time, at the lowest priority.

    Args:
        environment: of the build's processes.
        watch: told of each process, so that none outlives the run.

    Raises:
        WebBuildError: there is neither a page nor a way to it.
    """
    DIST.mkdir(exist_ok=True)
    async with _locked(DIST / "lock"):
        if is_current():
            return
        wanted = fingerprint()
        with (DIST / "build.log").open("wb") as log:
            try:
                node = await find_node(log)
            except NoNodeError as error:
                raise WebBuildError(str(error)) from error
            environment = {**environment, "PATH": f"{node.folder}{os.pathsep}{environment.get('PATH', '')}"}
            await _install(node, environment, log, watch)
            await _run(*node.npm, "run", "build", environment=environment, log=log, watch=watch)
        built = DIST / wanted
        shutil.rmtree(built, ignore_errors=True)
        (WEB / "out").rename(built)
        _lead_to(built)


async def _install(node: Node, environment: Mapping[str, str], log: IO[bytes], watch: Watch | None) -> None:
    lock = hashlib.sha256((WEB / "package-lock.json").read_bytes()).hexdigest()
    if _INSTALLED.is_file() and _INSTALLED.read_text() == lock:
        return
    await _run(*node.npm, "ci", environment=environment, log=log, watch=watch)
    _INSTALLED.write_text(lock)


async def _run(*command: str, environment: Mapping[str, str], log: IO[bytes], watch: Watch | None) -> None:
    nice = ("nice", "-n", "19") if shutil.which("nice") else ()
    process = await asyncio.create_subprocess_exec(
        *(*nice, *command),
        cwd=WEB,
        env={**environment, "NEXT_TELEMETRY_DISABLED": "1", "CI": "1"},
        stdin=DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
    if watch is not None:
        watch(process.pid, signal.SIGTERM)
    try:
        code = await process.wait()
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    if code:
        words = " ".join(Path(word).name for word in command)
        raise WebBuildError(f"`{words}` failed, as {DIST / 'build.log'} says")


def _lead_to(built: Path) -> None:
    half = DIST / f"current.{os.getpid()}"
    half.symlink_to(built.name)
    half.replace(CURRENT)
    builds = sorted(
        (path for path in DIST.iterdir() if path.is_dir() and not path.is_symlink()),
        key=lambda path: path.stat().st_mtime,
        reverse=True,
    )
    for old in builds[KEPT_BUILDS:]:
        shutil.rmtree(old, ignore_errors=True)


def _sources(folder: Path) -> list[Path]:
    found = []
    for path in folder.iterdir():
        if path.name in _NOT_SOURCES or path.suffix == ".tsbuildinfo":
            continue
        found += _sources(path) if path.is_dir() else [path]
    return found


@asynccontextmanager
async def _locked(path: Path) -> AsyncIterator[None]:
    with path.open("a") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                await asyncio.sleep(LOCK_PAUSE_SECONDS)
            else:
                break
        yield


def main() -> int:
    """Build if there is something new to build; the exit code says whether there is a page."""
    if is_current():
        return 0
    try:
        asyncio.run(build(environment=os.environ))
    except WebBuildError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
