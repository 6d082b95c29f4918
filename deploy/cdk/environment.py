"""Where every environment variable of a task comes from; what is not here keeps the settings class's default."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pydantic import TypeAdapter

from deploy.cdk.config import Stage
from deploy.cdk.processes import METRICS_PORTS, PORT, Process
from deploy.cdk.signals import SPANS_ADDRESS
from libs.contracts.plans import Plan


@dataclass(frozen=True)
class Text:
    """The same for everybody who reads the templates.

    Attributes:
        of: the value in a stage; None leaves the variable out.
    """

    of: Callable[[Stage], str | None]


@dataclass(frozen=True)
class Made:
    """Known when the stacks are deployed.

    Attributes:
        name: what made it says.
        wanted: whether the stage has it.
    """

    name: str
    wanted: Callable[[Stage], bool] = lambda _stage: True


@dataclass(frozen=True)
class Secret:
    """In Secrets Manager; ECS hands it to the task, and no template holds it.

    Attributes:
        name: below `eloquent/<stage>/`.
        made: by the stacks; else by a person, before the first deployment.
        wanted: whether the stage has it.
    """

    name: str
    made: bool = False
    wanted: Callable[[Stage], bool] = lambda _stage: True


Source = Text | Made | Secret

CALLBACKS = "callbacks"
"""The secret that API Gateway shows."""
CONNECTIONS = "connections"
"""Where answers to clients behind API Gateway are posted."""


def _same(value: str) -> Text:
    return Text(lambda _stage: value)


FLAGS_PROFILE = "flags"
"""AppConfig's profile; its application is the stage's prefix, its environment the stage's name."""


def _flags(stage: Stage) -> str:
    path = f"applications/{stage.prefix}/environments/{stage.name}/configurations/{FLAGS_PROFILE}"
    return f"http://localhost:2772/{path}"


SOURCES: Mapping[str, Source] = {
    "ENVIRONMENT": Text(lambda stage: stage.name),
    "HOST": _same("0.0.0.0"),
    "PORT": _same(str(PORT)),
    "OTEL_EXPORTER_OTLP_ENDPOINT": Text(lambda stage: f"http://{SPANS_ADDRESS}" if stage.tracing else None),
    "TRACING_IDS": Text(lambda stage: "xray" if stage.tracing else None),
    "REDIS_URL": Secret("redis-url", made=True),
    "BUS_PARTITIONS": Text(lambda stage: str(stage.cache.partitions)),
    "DATABASE_URL": Secret("database-url", made=True),
    "HISTORY_READER_DATABASE_URL": Secret("reader-database-url", made=True),
    "OPENAI_API_KEY": Secret("openai"),
    "PINECONE_API_KEY": Secret("pinecone", wanted=lambda stage: stage.pinecone is not None),
    "PINECONE_INDEX_HOST": Text(lambda stage: stage.pinecone.index_host if stage.pinecone else None),
    "COGNITO_USER_POOL_ISSUER": Made("issuer"),
    "COGNITO_CLIENT_ID": Made("client"),
    "COGNITO_IDENTITY_POOL_ID": Made("identity-pool"),
    "BLOB_BUCKET": Made("bucket"),
    "HISTORY_API_URL": Text(lambda stage: f"http://history-api.{stage.internal_zone}:{PORT}"),
    "INGEST_API_URL": Text(lambda stage: f"http://ingest-api.{stage.internal_zone}:{PORT}"),
    # What API Gateway's usage plans are made of.
    "PLANS": Text(lambda stage: TypeAdapter(tuple[Plan, ...]).dump_json(stage.plans).decode()),
    "ALLOWED_ORIGINS": Text(lambda stage: ",".join(stage.origins) or None),
    "GATEWAY_METRICS_PORT": _same(str(METRICS_PORTS["gateway"])),
    "API_GATEWAY_SECRET": Secret(CALLBACKS, made=True, wanted=lambda stage: stage.websocket_api),
    "API_GATEWAY_CONNECTIONS_URL": Made(CONNECTIONS, wanted=lambda stage: stage.websocket_api),
    "API_GATEWAY_REGION": Text(lambda stage: stage.region if stage.websocket_api else None),
    "FLAGS_URL": Text(_flags),
    # The load balancer; of callbacks API Gateway itself says the client's address.
    "GATEWAY_TRUSTED_PROXIES": _same("1"),
}


def sources(process: Process, stage: Stage) -> dict[str, Source]:
    """Of this process in this stage, by variable; what Parameter Store has (`Stage.settings`) is not among them."""
    found = {name: source for name, source in SOURCES.items() if name in process.variables}
    return {name: source for name, source in found.items() if not _is_left_out(source, stage)}


def tunable(process: Process, stage: Stage) -> list[str]:
    """The variables that this process gets from Parameter Store."""
    return [name for name in stage.settings if name in process.variables]


def _is_left_out(source: Source, stage: Stage) -> bool:
    match source:
        case Text(of):
            return of(stage) is None
        case Secret(wanted=wanted) | Made(wanted=wanted):
            return not wanted(stage)
