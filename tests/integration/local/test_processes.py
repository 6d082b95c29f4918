"""Processes are kept running while the run lives, and none is left when it does not."""

import asyncio
import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from deploy.local.launching import Forked, Launcher
from deploy.local.log_lines import Log
from deploy.local.processes import Guardian, Kept, stop_all
from deploy.local.program import Program

DEADLINE_SECONDS = 20.0

# Says its own id and that of a child that made itself independent, then waits.
_PARENT = """
import json, os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True)
print(json.dumps({"message": "up", "level": "info", "pid": os.getpid(), "child": child.pid}), flush=True)
time.sleep(600)
"""

_RUN = """
import asyncio, sys
from deploy.local.launching import Launcher
from deploy.local.log_lines import Log
from deploy.local.processes import Guardian, Kept
from deploy.local.program import Program

async def main():
    guardian, log, launcher = Guardian(), Log(raw=True), Launcher()
    program = Program("dummy", (sys.executable, "-c", sys.argv[1]))
    async with asyncio.TaskGroup() as group:
        for _ in range(2):
            group.create_task(Kept(program, log, guardian, launcher).run())

asyncio.run(main())
"""


async def until(condition: Callable[[], object]) -> None:
    """`condition` holds; the test fails when it does not within the deadline."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it did not come to this in time"
        await asyncio.sleep(0.02)


def alive(pid: int) -> bool:
    with suppress(psutil.NoSuchProcess):
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    return False


async def test_a_killed_run_leaves_no_process_behind() -> None:
    """After kill -9 of the run its children are gone, and their children, even those with a session of their own."""
    run = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _RUN, _PARENT, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": "."}
    )
    assert run.stdout is not None
    pids: list[int] = []
    async with asyncio.timeout(DEADLINE_SECONDS):
        while len(pids) < 4:
            line = json.loads(await run.stdout.readline())
            pids += [line["pid"], line["child"]]
    assert all(alive(pid) for pid in pids)
    guardian = next(
        child.pid for child in psutil.Process(run.pid).children() if "deploy.local.guardian" in child.cmdline()
    )

    run.kill()
    await run.wait()

    await until(lambda: not any(alive(pid) for pid in (*pids, guardian)))


@pytest.fixture
async def guardian() -> AsyncIterator[Guardian]:
    guardian = Guardian()
    yield guardian
    guardian.close()


@pytest.fixture
async def launcher() -> AsyncIterator[Launcher]:
    launcher = Launcher()
    async with asyncio.TaskGroup() as group:
        listening = group.create_task(launcher.listen())
        yield launcher
        listening.cancel()
    launcher.close()


def lines_of(out: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def pids_of(out: io.StringIO) -> list[int]:
    return [int(str(line["pid"])) for line in lines_of(out) if "pid" in line]


async def test_a_process_that_dies_is_started_again(guardian: Guardian, launcher: Launcher) -> None:
    """The log says how it died; after `stop` it stays away."""
    out = io.StringIO()
    program = Program("dummy", (sys.executable, "-c", _PARENT.replace("start_new_session=True", "")))
    kept = Kept(program, Log(raw=True, out=out), guardian, launcher)
    async with asyncio.TaskGroup() as group:
        group.create_task(kept.run())
        await until(lambda: len(pids_of(out)) == 1)
        os.kill(pids_of(out)[0], signal.SIGKILL)
        await until(lambda: len(pids_of(out)) == 2)
        await stop_all([kept], within_seconds=5)

    first, second = (line for line in lines_of(out) if "pid" in line)
    assert any("was killed by SIGKILL" in str(line["message"]) for line in lines_of(out))
    assert not alive(int(str(second["pid"])))
    # The first one's child was in its process group and went with it.
    assert not alive(int(str(first["child"])))


async def test_a_process_that_does_not_stop_is_killed(guardian: Guardian, launcher: Launcher) -> None:
    """Stopping takes no longer than it was given."""
    out = io.StringIO()
    stubborn = _PARENT.replace(
        "import json", "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)\nimport json"
    )
    kept = Kept(Program("dummy", (sys.executable, "-c", stubborn)), Log(raw=True, out=out), guardian, launcher)
    async with asyncio.TaskGroup() as group:
        group.create_task(kept.run())
        await until(lambda: pids_of(out))
        await stop_all([kept], within_seconds=0.2)

    assert not alive(pids_of(out)[0])
    for line in lines_of(out):
        with suppress(ProcessLookupError, KeyError):
            os.kill(int(str(line["child"])), signal.SIGKILL)


async def test_a_program_that_cannot_be_kept_up_is_not_started_without_end(
    guardian: Guardian, launcher: Launcher
) -> None:
    """Each start waits longer than the one before."""
    out = io.StringIO()
    kept = Kept(
        Program("dummy", (sys.executable, "-c", "raise SystemExit(3)")), Log(raw=True, out=out), guardian, launcher
    )
    async with asyncio.TaskGroup() as group:
        group.create_task(kept.run())
        await until(lambda: len([line for line in lines_of(out) if "in_seconds" in line]) == 3)
        await stop_all([kept], within_seconds=5)

    waits = [line["in_seconds"] for line in lines_of(out) if "in_seconds" in line]
    assert waits[:3] == [0.25, 0.5, 1.0]
    assert "left with exit code 3" in str(lines_of(out)[0]["message"])


async def test_a_process_that_is_being_started_can_be_stopped(guardian: Guardian, launcher: Launcher) -> None:
    """`stop` at any moment of a start ends the process, however far it was."""
    for forkable in (True, False):
        program = Program(
            "server", (sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "0"), forkable=forkable
        )
        kept = Kept(program, Log(raw=True, out=io.StringIO()), guardian, launcher)
        async with asyncio.timeout(DEADLINE_SECONDS), asyncio.TaskGroup() as group:
            group.create_task(kept.run())
            await asyncio.sleep(0)
            assert kept.process is None
            await stop_all([kept], within_seconds=5)

        assert kept.process is not None
        assert kept.process.returncode is not None


async def test_the_nursery_forks_what_python_would_run(launcher: Launcher, tmp_path: Path) -> None:
    """Arguments, environment, folder and output are the child's own, and its exit code comes back."""
    (tmp_path / "child.py").write_text(
        "import json, os, sys; print(json.dumps([sys.argv[1:], dict(os.environ), os.getcwd()])); sys.exit('bye')"
    )
    program = Program(
        "child",
        (sys.executable, "-m", "child", "argument"),
        environment={"ONLY": "this"},
        folder=tmp_path,
        forkable=True,
    )
    reading, writing = os.pipe()
    child = await launcher.launch(program, output=writing)
    os.close(writing)
    async with asyncio.timeout(DEADLINE_SECONDS):
        code = await child.wait()
    with os.fdopen(reading) as output:
        first, *rest = output.read().splitlines()

    assert isinstance(child, Forked)
    assert code == 1
    assert json.loads(first) == [["argument"], {"ONLY": "this"}, str(tmp_path)]
    assert rest == ["bye"]


async def test_a_forked_process_that_is_killed_is_started_again(guardian: Guardian, launcher: Launcher) -> None:
    """The run hears of its end though it is not its parent; without a nursery it starts it all the same."""
    out = io.StringIO()
    program = Program(
        "server",
        (sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "0"),
        environment={"PYTHONUNBUFFERED": "1"},
        forkable=True,
    )
    kept = Kept(program, Log(raw=True, out=out), guardian, launcher)

    def starts() -> int:
        return sum("Serving HTTP" in str(line["message"]) for line in lines_of(out))

    async with asyncio.TaskGroup() as group:
        group.create_task(kept.run())
        await until(lambda: starts() == 1)
        assert isinstance(kept.process, Forked)
        kept.process.send_signal(signal.SIGKILL)
        await until(lambda: starts() == 2)
        orphan = kept.process.pid
        # Its parent is this test's nursery; others of the session have their own.
        psutil.Process(psutil.Process(orphan).ppid()).kill()
        await until(lambda: starts() == 3)
        assert not alive(orphan)
        await stop_all([kept], within_seconds=5)

    assert any("was killed by SIGKILL" in str(line["message"]) for line in lines_of(out))
