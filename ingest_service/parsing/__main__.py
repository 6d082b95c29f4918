"""The parser server: `python -m ingest_service.parsing`, started by the worker with a listening socket and its rules.

It forks a process per file, and one for every hundred small text files. A fork costs milliseconds where a new
interpreter with its libraries costs a tenth of a second, and a file that a C library reads still meets a process that
has seen no other. It ends when its worker does.
"""

import contextlib
import gc
import os
import selectors
import signal
import socket
import sys
from pathlib import Path

import msgspec

from ingest_service.chunking import Splitter, token_splitter
from ingest_service.parsing.child import limit, limit_file, parser_of, read, rest
from ingest_service.parsing.wire import DIED, LENGTH, LIGHT_FILES_MAX, Job, Rules, receive_job

JOB_TIMEOUT_SECONDS = 5.0
"""The worker writes its job as soon as it is connected."""


class ParserServer:
    """Accepts a connection per file, forks, and tells the worker when a child died of its file."""

    def __init__(self, listener: socket.socket, rules: Rules) -> None:
        self._listener = listener
        self._rules = rules
        tokenizer = Path(rules.tokenizer_file) if rules.tokenizer_file else None
        self._splitter: Splitter = token_splitter(
            rules.chunk_tokens, tokenizer_file=tokenizer, model=rules.embedding_model
        )
        self._children: dict[int, socket.socket] = {}

    def serve(self) -> None:
        """Until standard input ends, which is when the worker is gone."""
        wake, woken = socket.socketpair()
        for end in (wake, woken):
            end.setblocking(False)
        signal.set_wakeup_fd(woken.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        with selectors.DefaultSelector() as selector:
            for source in (self._listener, sys.stdin, wake):
                selector.register(source, selectors.EVENT_READ)
            while True:
                ready = {key.fileobj for key, _ in selector.select()}
                if wake in ready:
                    wake.recv(4096)
                    self._reap()
                if sys.stdin in ready:
                    break
                if self._listener in ready:
                    self._accept()
        for pid in self._children:
            os.kill(pid, signal.SIGKILL)

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        connection.settimeout(JOB_TIMEOUT_SECONDS)
        try:
            job = receive_job(connection)
            parser_of(job.media_type)
        except (OSError, ValueError, KeyError):
            connection.close()
            return
        connection.settimeout(None)
        pid = os.fork()
        if pid == 0:
            self._be_child(job, connection)
        self._children[pid] = connection

    def _be_child(self, job: Job, connection: socket.socket) -> None:
        status = 1
        try:
            signal.set_wakeup_fd(-1)
            # What came with the fork is not ours to look over: writing into its pages would copy them.
            gc.freeze()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            self._listener.close()
            for other in self._children.values():
                other.close()
            limits = self._rules.limits
            limit(limits, files=LIGHT_FILES_MAX if job.is_light else 1)
            read(job, connection, limits=limits, splitter=self._splitter)
            if job.is_light:
                self._read_on(connection)
            status = 0
        finally:
            # Not a normal exit: what the server would clean up is not this process's to clean.
            os._exit(status)

    def _read_on(self, connection: socket.socket) -> None:
        for _ in range(LIGHT_FILES_MAX - 1):
            rest()
            try:
                job = receive_job(connection)
            except OSError:
                return  # the worker needs this process no more
            limit_file(self._rules.limits)
            read(job, connection, limits=self._rules.limits, splitter=self._splitter)

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            with self._children.pop(pid) as connection, contextlib.suppress(OSError):
                connection.settimeout(JOB_TIMEOUT_SECONDS)
                if status != 0:
                    connection.sendall(LENGTH.pack(DIED | status))


def main() -> None:
    """Serve on the socket whose descriptor is the first argument, by the rules in the second."""
    with socket.socket(fileno=int(sys.argv[1])) as listener:
        ParserServer(listener, msgspec.json.decode(sys.argv[2], type=Rules)).serve()


if __name__ == "__main__":
    main()
