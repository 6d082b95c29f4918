"""The processes: the same image, each with its own command, size, neighbours and measure of being busy."""

from dataclasses import dataclass

from deploy.compose.processes import READS, variables
from libs.config import ModelSettings, PostgresSettings, RedisSettings, Settings
from libs.contracts.events import (
    AnswerWritten,
    ContextRetrieved,
    DocumentGivenUp,
    DocumentUploaded,
    Event,
    QuestionAsked,
    TurnOpened,
)

PORT = 8000
METRICS_PORTS = {"gateway": 9464}
"""Of those whose other port strangers reach; only the collector beside them asks there."""
STOP_SECONDS = 60
"""From SIGTERM to SIGKILL: more than `STOP_GRACE_SECONDS`, less than the 120 s of notice that Spot gives."""


@dataclass(frozen=True)
class Process:
    """One task definition, and one service but for what runs once.

    Attributes:
        name: as containers and metrics call it.
        module: what `python -m` runs, with its arguments.
        cpu: in thousandths and a bit: 1024 is a core.
        memory: MiB.
        outbound: it asks hosts outside of the network: a model, Pinecone, an issuer's keys.
        paths: of the load balancer that lead to it.
        reads: the events whose backlog it works off.
        per_task: entries (in hand and waiting), sockets, or requests a minute that a task should have.
        scratch: it writes temporary files, so its root file system is not read-only.
    """

    name: str
    module: tuple[str, ...]
    cpu: int
    memory: int
    outbound: bool = True
    paths: tuple[str, ...] = ()
    reads: tuple[type[Event], ...] = ()
    per_task: int = 0
    scratch: bool = False

    @property
    def command(self) -> list[str]:
        """Of the container."""
        return ["python", "-m", *self.module]

    @property
    def is_worker(self) -> bool:
        """What it works on waits on a stream; when it goes, another one has its work within seconds."""
        return bool(self.reads)

    @property
    def variables(self) -> list[str]:
        """The environment variables it reads."""
        return variables(self.name)

    def uses(self, kind: type[Settings]) -> bool:
        """It reads these settings."""
        return kind in READS[self.name]


GATEWAY = Process("gateway", ("gateway",), cpu=1024, memory=2048, paths=("/*",), per_task=4000)
SERVICES = (
    GATEWAY,
    Process(
        "history-api",
        ("history_service", "api"),
        cpu=512,
        memory=1024,
        paths=("/v1/sessions", "/v1/sessions/*", "/v1/shares", "/v1/shares/*"),
        per_task=6000,
    ),
    Process(
        "history-worker",
        ("history_service", "worker"),
        cpu=512,
        memory=1024,
        outbound=False,
        reads=(QuestionAsked, AnswerWritten),
        per_task=20,
    ),
    Process("retrieval", ("retrieval_service",), cpu=512, memory=1024, reads=(TurnOpened,), per_task=20),
    Process("generation", ("generation_service",), cpu=1024, memory=2048, reads=(ContextRetrieved,), per_task=200),
    Process(
        "ingest-api",
        ("ingest_service", "api"),
        cpu=512,
        memory=1024,
        paths=("/v1/documents", "/v1/documents/*", "/v1/collections", "/v1/collections/*"),
        per_task=3000,
        scratch=True,
    ),
    Process(
        "ingest-worker",
        ("ingest_service", "worker"),
        cpu=2048,
        memory=4096,
        reads=(DocumentUploaded, DocumentGivenUp),
        per_task=5,
        scratch=True,
    ),
)
MIGRATE = Process("migrate", ("libs.db.migrate",), cpu=256, memory=512, outbound=False)
PROCESSES = (*SERVICES, MIGRATE)

NEIGHBOURS = (("gateway", "history-api"), ("gateway", "ingest-api"))
"""Who asks whom by HTTP inside the network."""


def uses_database(process: Process) -> bool:
    """It speaks to PostgreSQL."""
    return process.uses(PostgresSettings)


def uses_cache(process: Process) -> bool:
    """It speaks to Valkey."""
    return process.uses(RedisSettings)


def uses_models(process: Process) -> bool:
    """It speaks to the model endpoint."""
    return process.uses(ModelSettings)
