"""The run's side of the nursery: a process that is not our child, handled as one."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from itertools import count

from deploy.local.nursery import MESSAGE_MAX_BYTES
from deploy.local.program import Child, Program, launch
from deploy.local.state import ROOT


class Forked:
    """A child of the nursery."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.started: asyncio.Future[int] = loop.create_future()
        self.ended: asyncio.Future[int] = loop.create_future()

    @property
    def pid(self) -> int:
        """Known from when `started` is done."""
        return self.started.result()

    @property
    def returncode(self) -> int | None:
        """None while it runs."""
        return self.ended.result() if self.ended.done() else None

    def send_signal(self, signal: int) -> None:
        """Nothing happens to a process that has ended."""
        if self.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal)

    async def wait(self) -> int:
        """The exit code, when it has ended."""
        return await asyncio.shield(self.ended)


class Launcher:
    """Starts programs: Python ones by the nursery where that is safe, the rest in the ordinary way.

    Elsewhere than on Linux a fork may stop in the system's own libraries, so there every program is executed.
    """

    def __init__(self) -> None:
        self._ids = count(1)
        self._children: dict[int, Forked] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        if sys.platform == "linux":
            self._open()

    async def launch(self, program: Program, *, output: int) -> Child:
        """The started process, its output going to the open file `output`."""
        if self._socket is None or not program.forkable:
            return await launch(program, output=output)
        number, child = next(self._ids), Forked()
        self._children[number] = child
        request = {
            "id": number,
            "name": program.name,
            "module": program.command[2:],
            "environment": dict(program.environment),
            "folder": str(program.folder),
        }
        try:
            socket.send_fds(self._socket, [json.dumps(request).encode()], [output])
            await child.started
        except (OSError, EOFError):
            self._give_up()
            return await launch(program, output=output)
        return child

    async def listen(self) -> None:
        """Hear of the children that start and end, until the nursery has gone."""
        while self._socket is not None:
            raw = await asyncio.get_running_loop().sock_recv(self._socket, MESSAGE_MAX_BYTES)
            if not raw:
                self._give_up()
                return
            reply = json.loads(raw)
            if "pid" in reply:
                self._children[reply["id"]].started.set_result(reply["pid"])
            else:
                self._children.pop(reply["id"]).ended.set_result(reply["code"])

    def close(self) -> None:
        """No nursery is left."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if self._process is not None:
            self._process.wait()

    def _open(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        for end in (ours, theirs):
            end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, MESSAGE_MAX_BYTES)
        ours.setblocking(False)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-u", "-m", "deploy.local.nursery"],
                cwd=ROOT,
                stdin=theirs.fileno(),
                start_new_session=True,
            )
        self._socket = ours

    def _give_up(self) -> None:
        """Without its nursery nobody hears of a child's end: all are ended now, and started in the ordinary way."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        for child in self._children.values():
            if not child.started.done():
                child.started.set_exception(EOFError("the nursery has gone"))
                continue
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.ended.set_result(-signal.SIGKILL)
        self._children.clear()
