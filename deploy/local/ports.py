"""Which process listens on which port, and who sits there already."""

import errno
import socket
from dataclasses import astuple, dataclass

import psutil

LOOPBACK = "127.0.0.1"
LAST_OFFSET = 14
HIGHEST_PORT = 65_535


@dataclass(frozen=True)
class Ports:
    """A fixed place for everything, counted from the gateway's: two checkouts run side by side with another `PORT`."""

    gateway: int
    history_api: int
    ingest_api: int
    identity: int
    models: int
    postgres: int
    valkey: int
    history_worker: int
    retrieval: int
    generation: int
    ingest_worker: int


def plan_ports(first: int) -> Ports:
    """The ports from the gateway's on.

    Raises:
        SystemExit: they would not fit below the highest port there is.
    """
    if not 1 <= first <= HIGHEST_PORT - LAST_OFFSET:
        raise SystemExit(f"Cannot start: PORT must be from 1 to {HIGHEST_PORT - LAST_OFFSET}")
    return Ports(
        gateway=first,
        history_api=first + 1,
        ingest_api=first + 2,
        identity=first + 3,
        models=first + 4,
        postgres=first + 5,
        valkey=first + 6,
        history_worker=first + 11,
        retrieval=first + 12,
        generation=first + 13,
        ingest_worker=first + LAST_OFFSET,
    )


def require_free(ports: Ports, *, unused: frozenset[int] = frozenset()) -> None:
    """Every port can be had, but for those that nothing of ours will use.

    Raises:
        SystemExit: its one message says for each taken port by what.
    """
    taken = [port for port in astuple(ports) if port not in unused and _is_taken(port)]
    if taken:
        lines = "\n".join(f"  port {port} is taken by {holder(port)}" for port in taken)
        raise SystemExit(f"Cannot start, these ports are needed (PORT=... moves all of them):\n{lines}")


def holder(port: int) -> str:
    """The process that listens on the port, as far as this user may know."""
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.AccessDenied:
        connections = []
    for connection in connections:
        if connection.status == psutil.CONN_LISTEN and connection.laddr.port == port and connection.pid:
            try:
                process = psutil.Process(connection.pid)
                return f"process {connection.pid} ({process.name()}): {' '.join(process.cmdline()).strip()[:160]}"
            except psutil.Error:
                return f"process {connection.pid}"
    return "a process of another user"


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        # As servers do: a connection that is only winding down keeps nobody out.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            if error.errno in {errno.EADDRINUSE, errno.EACCES}:
                return True
            raise
    return False
