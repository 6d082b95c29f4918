"""Every process that runs in a container, by its name there, and the settings it reads."""

from collections.abc import Mapping

from deploy.local.identity.settings import LocalIdentitySettings
from deploy.local.models.settings import ModelsSettings
from gateway.settings import ApiGatewaySettings, EdgeSettings, GatewaySettings
from generation_service.settings import ChatSettings, GenerationSettings
from history_service.settings import HistorySettings
from ingest_service.settings import BlobSettings, IngestSettings
from libs.config import (
    IdentitySettings,
    KnowledgeSettings,
    ModelSettings,
    PostgresSettings,
    ProcessSettings,
    RedisSettings,
    Settings,
    variable_name,
)
from libs.contracts.plans import PlanSettings
from libs.flags.settings import FlagSettings
from libs.llm.prices import PriceSettings
from retrieval_service.settings import RetrievalSettings

_INGEST = (ProcessSettings, RedisSettings, PostgresSettings, KnowledgeSettings, BlobSettings, IngestSettings)

READS: Mapping[str, tuple[type[Settings], ...]] = {
    "migrate": (PostgresSettings,),
    "identity": (ProcessSettings, LocalIdentitySettings),
    "models": (ModelsSettings,),
    "gateway": (
        ProcessSettings,
        RedisSettings,
        IdentitySettings,
        EdgeSettings,
        GatewaySettings,
        ApiGatewaySettings,
        PlanSettings,
    ),
    "history-api": (ProcessSettings, PostgresSettings, IdentitySettings, HistorySettings, PlanSettings),
    "history-worker": (ProcessSettings, RedisSettings, PostgresSettings, HistorySettings),
    "retrieval": (
        ProcessSettings,
        RedisSettings,
        PostgresSettings,
        ModelSettings,
        KnowledgeSettings,
        RetrievalSettings,
        FlagSettings,
    ),
    "generation": (ProcessSettings, RedisSettings, ModelSettings, ChatSettings, GenerationSettings, PriceSettings),
    "ingest-api": (*_INGEST, IdentitySettings),
    "ingest-worker": (*_INGEST, ModelSettings),
}
"""A test asks each process itself."""


def variables(process: str) -> list[str]:
    """The environment variables that this process reads, each once."""
    names = [variable_name(kind, field) for kind in READS[process] for field in kind.model_fields]
    return list(dict.fromkeys(names))
