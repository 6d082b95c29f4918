"""Metrics at a port of their own, for a process whose other port strangers reach (ADR 36)."""

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import start_http_server


@contextmanager
def metrics_at(host: str, port: int | None) -> Iterator[None]:
    """Whoever asks at this port is shown the metrics of the process, and nothing else; without a port nobody is.

    Raises:
        OSError: somebody else has the port.
    """
    if port is None:
        yield
        return
    server, thread = start_http_server(port, host)
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
