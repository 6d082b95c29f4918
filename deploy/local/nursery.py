"""Forks services from one process that has imported what they share: seconds of start-up and most of the memory.

A service is `python -m <module>` all the same, only without importing FastAPI and its kin once more. Requests and
replies are JSON on the socket that is standard input; a request brings along the file that takes the child's output.

    {"id": 1, "name": "gateway", "module": ["gateway"], "environment": {…}, "folder": "/…"}
    {"id": 1, "pid": 4711}                                   when it is started
    {"id": 1, "code": -9}                                    when it has ended, as `subprocess` counts
"""

import contextlib
import gc
import importlib
import json
import os
import runpy
import selectors
import signal
import socket
import sys
from pathlib import Path
from typing import Any

PRELOADED = (
    "uvicorn.protocols.http.httptools_impl",
    "uvicorn.protocols.websockets.websockets_sansio_impl",
    "uvicorn.lifespan.on",
    "uvloop",
    "gateway.wiring",
    "history_service.wiring",
    "retrieval_service.wiring",
    "generation_service.wiring",
    "ingest_service.wiring",
    "deploy.local.identity.wiring",
)
"""None of them starts a thread when it is imported: only the thread that forks lives on in the child."""

MESSAGE_MAX_BYTES = 256 * 1024
"""A whole environment fits."""


def main() -> None:
    """Fork on request until the other side has gone; in a child, run the service."""
    for module in PRELOADED:
        # Whatever is wrong with it, the service says so itself when it is started.
        with contextlib.suppress(Exception):
            importlib.import_module(module)
    gc.collect()
    # The collector would write to every object it looks at, and so unshare the memory.
    gc.freeze()
    requests = socket.socket(fileno=os.dup(0))
    request = _forked(requests)
    if request is not None:
        _become(request)


def _forked(requests: socket.socket) -> dict[str, Any] | None:
    """In a child its request; in the nursery None, at the end."""
    waking, woken = socket.socketpair()
    for end in (waking, woken):
        end.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(woken.fileno(), warn_on_full_buffer=False)
    for ending in (signal.SIGINT, signal.SIGHUP):
        signal.signal(ending, signal.SIG_IGN)
    children: dict[int, int] = {}
    with selectors.DefaultSelector() as selector:
        selector.register(requests, selectors.EVENT_READ)
        selector.register(waking, selectors.EVENT_READ)
        while True:
            ready = {key.fileobj for key, _ in selector.select()}
            if waking in ready:
                waking.recv(4096)
            if requests in ready:
                raw, files = _received(requests)
                if not raw:
                    break
                request: dict[str, Any] = json.loads(raw)
                pid = os.fork()
                if pid == 0:
                    _leave(files[0], requests, waking, woken)
                    return request
                os.close(files[0])
                children[pid] = request["id"]
                _tell(requests, {"id": request["id"], "pid": pid})
            _report_ended(requests, children)
    for child in children:
        os.kill(child, signal.SIGTERM)
    return None


def _received(requests: socket.socket) -> tuple[bytes, list[int]]:
    """A request and its file; nothing when the other side has gone, in order or not."""
    try:
        raw, files, _, _ = socket.recv_fds(requests, MESSAGE_MAX_BYTES, 1)
    except ConnectionResetError:
        return b"", []
    return raw, files


def _leave(output: int, *sockets: socket.socket) -> None:
    """Nothing of the nursery is left in the child but what it has imported."""
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for end in sockets:
        end.close()
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    os.close(nothing)
    os.close(output)


def _report_ended(requests: socket.socket, children: dict[int, int]) -> None:
    while children:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        _tell(requests, {"id": children.pop(pid), "code": os.waitstatus_to_exitcode(status)})


def _tell(requests: socket.socket, reply: dict[str, Any]) -> None:
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        requests.send(json.dumps(reply).encode())


def _become(request: dict[str, Any]) -> None:
    """Be the service, as if started by `python -m`."""
    os.setsid()
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["folder"])
    sys.path[0] = request["folder"]
    with contextlib.suppress(OSError):
        # What `ps` and `top` call it; its command line stays the nursery's.
        Path("/proc/self/comm").write_text(request["name"])
    sys.argv = list(request["module"])
    runpy.run_module(request["module"][0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
