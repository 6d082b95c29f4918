"""Which processes make up a run: the servers it embeds, and every service."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass

from deploy.local.ports import LOOPBACK, Ports
from deploy.local.program import Program
from deploy.local.state import ROOT


@dataclass(frozen=True)
class Service:
    """A Python process of ours.

    Attributes:
        name: as the log calls it, and its place among the ports.
        module: what `python -m` runs, with its arguments.
        part: the embedded part it is, which a real one may replace; None for what always runs.
        forkable: what it imports starts no threads.
    """

    name: str
    module: tuple[str, ...]
    part: str | None = None
    forkable: bool = True

    def port(self, ports: Ports) -> int:
        """Where its API and its probes are."""
        return int(getattr(ports, self.name.replace("-", "_")))


PARTS = (
    Service("models", ("deploy.local.models",), part="models", forkable=False),
    Service("identity", ("deploy.local.identity",), part="identity"),
)
DOOR = Service("gateway", ("gateway",))
SERVICES = (
    DOOR,
    Service("history-api", ("history_service", "api")),
    Service("history-worker", ("history_service", "worker")),
    Service("retrieval", ("retrieval_service",)),
    Service("generation", ("generation_service",)),
    Service("ingest-api", ("ingest_service", "api")),
    Service("ingest-worker", ("ingest_service", "worker")),
)


def python_program(service: Service, environment: Mapping[str, str], ports: Ports) -> Program:
    """The service as a process; only the gateway listens where the user says, the rest stay on the loopback."""
    host = environment.get("HOST", LOOPBACK) if service.name == "gateway" else LOOPBACK
    return Program(
        name=service.name,
        command=(sys.executable, "-m", *service.module),
        environment={**environment, "HOST": host, "PORT": str(service.port(ports))},
        folder=ROOT,
        forkable=service.forkable,
    )


def unused_ports(embedded: frozenset[str], ports: Ports) -> frozenset[int]:
    """The ports of the parts that a real one replaces."""
    return frozenset(
        getattr(ports, part) for part in ("valkey", "postgres", "identity", "models") if part not in embedded
    )
