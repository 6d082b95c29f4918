"""`.env.example`: every setting of every process, from the classes that read them."""

import importlib
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

from pydantic import BaseModel, PostgresDsn, SecretStr, TypeAdapter
from pydantic.fields import FieldInfo

from deploy.local.environment import SETTINGS_MODULES
from deploy.local.state import ROOT
from libs.config import Settings, variable_name

_HEAD = """\
# Every setting. Written by `make docs` from the settings classes.
#
# `make run` needs none of them: it gives every process what the embedded parts need. To change something, copy this
# file to `.env` and take the `#` away from a line; the environment comes before `.env`. In production every process
# reads its own environment and nothing else.
#
# A line shows the default. "Needed" has none; "Secret" belongs in a secret store, never in a log."""


@dataclass(frozen=True)
class Group:
    """Settings that are read together, and by whom."""

    kind: type[Settings]
    readers: str


_READERS = {
    "libs.config.SourceSettings": "every process, when it starts",
    "libs.config.ProcessSettings": "every process",
    "libs.config.RedisSettings": "gateway, history worker, retrieval, generation, ingest",
    "libs.config.PostgresSettings": "history, retrieval, ingest, migrate",
    "libs.config.ModelSettings": "retrieval, generation, ingest worker",
    "libs.config.KnowledgeSettings": "retrieval, ingest",
    "libs.config.IdentitySettings": "gateway, history api, ingest api",
    "libs.contracts.plans.PlanSettings": "gateway, history api",
    "libs.flags.settings.FlagSettings": "retrieval",
    "libs.llm.prices.PriceSettings": "generation",
    "gateway.settings.EdgeSettings": "gateway",
    "gateway.settings.GatewaySettings": "gateway",
    "gateway.settings.ApiGatewaySettings": "gateway behind API Gateway's WebSocket API",
    "history_service.settings.HistorySettings": "history",
    "retrieval_service.settings.RetrievalSettings": "retrieval",
    "generation_service.settings.ChatSettings": "generation",
    "generation_service.settings.GenerationSettings": "generation",
    "ingest_service.settings.BlobSettings": "ingest",
    "ingest_service.settings.IngestSettings": "ingest",
    "deploy.local.settings.LocalSettings": "`make run`, `make ask`, `make upload`",
    "deploy.local.identity.settings.LocalIdentitySettings": "the local identity provider",
    "deploy.local.models.settings.ModelsSettings": "the local models",
}


def groups() -> list[Group]:
    """Every settings class, in the order of the modules that define them.

    Raises:
        KeyError: a class that `_READERS` does not know.
    """
    return [
        Group(kind, _READERS[f"{kind.__module__}.{kind.__name__}"])
        for name in SETTINGS_MODULES
        for kind in _kinds(importlib.import_module(name))
    ]


def env_example() -> str:
    """The file's text; a variable that several classes read stands where it comes first."""
    seen: set[str] = set()
    parts = [_HEAD]
    for group in groups():
        own = {variable_name(group.kind, name): field for name, field in group.kind.model_fields.items()}
        lines = [line for variable in own if variable not in seen for line in _lines(variable, own[variable])]
        seen |= own.keys()
        meaning = (group.kind.__doc__ or "").partition("\n")[0]
        parts.append("\n".join([f"# ---- {meaning}", f"# Read by: {group.readers}", "", *lines]))
    return "\n\n".join(parts) + "\n"


def _kinds(module: ModuleType) -> list[type[Settings]]:
    return [
        value
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, Settings)
        and value is not Settings
        and value.__module__ == module.__name__
    ]


def _lines(variable: str, field: FieldInfo) -> list[str]:
    notes = [note for note, given in (("Needed", field.is_required()), ("Secret", is_secret(field))) if given]
    meaning = ". ".join([str(field.description), *notes])
    return [f"# {meaning}.", f"# {variable}={_default(field)}"]


def is_secret(field: FieldInfo) -> bool:
    """Keys and passwords, and addresses that may hold one."""
    kinds = {field.annotation, *get_args(field.annotation)}
    extra = field.json_schema_extra
    declared = isinstance(extra, dict) and extra.get("format") == "password"
    return declared or bool(kinds & {SecretStr, PostgresDsn})


def _default(field: FieldInfo) -> str:
    if field.is_required() or field.default_factory is not None or field.default is None:
        return ""
    default: Any = field.default
    match default:
        case Path():
            return str(default.relative_to(ROOT) if default.is_absolute() else default)
        case bool():
            return str(default).lower()
        case dict() | (BaseModel(), *_):
            return TypeAdapter(Any).dump_json(default).decode()
        case tuple():
            return ",".join(map(str, default))
        case _:
            return str(default)
