"""Ports for the processes under test."""

import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from itertools import count

FIRST_PORT, LAST_PORT = 11_000, 20_000
"""Below the ports that systems give to outgoing connections: who is away for a moment finds its own again."""

_ports = count(FIRST_PORT + os.getpid() % 400 * 20)


def free_ports(number: int) -> Iterator[int]:
    """Ports that nobody listened on a moment ago."""
    found = []
    for port in _ports:
        if port > LAST_PORT:
            break
        with suppress(OSError), socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            found.append(port)
        if len(found) == number:
            return iter(found)
    raise AssertionError("no free ports for a cluster")
