"""The environment of every child: what the user set, and an embedded part's address for whatever they did not."""

import importlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.local.ports import LOOPBACK, Ports
from deploy.local.postgres import PostgresServer
from deploy.local.state import Secrets
from deploy.local.valkey import ValkeyServer
from libs.config import ProcessSettings, Settings, load

EDITOR_EMAIL = "editor@eloquent.local"
USER_POOL = "local_eloquent"
CLIENT_ID = "eloquentlocal"
IDENTITY_POOL = "local:00000000-0000-4000-8000-000000000000"

SETTINGS_MODULES = (
    "gateway.settings",
    "history_service.settings",
    "retrieval_service.settings",
    "generation_service.settings",
    "ingest_service.settings",
)

_COGNITO = ("COGNITO_USER_POOL_ISSUER", "COGNITO_CLIENT_ID", "COGNITO_IDENTITY_POOL_ID")
_NO_KEY = "not-needed"
"""Endpoints such as Ollama and vLLM ask for no key, the client library does."""


@dataclass(frozen=True)
class Composition:
    """What the children get.

    Attributes:
        environment: the part of it that is the same for all.
        embedded: the parts that this run starts itself: valkey, postgres, models, identity.
        valkey: how it is started, when it is.
        postgres: how it is started, when it is.
    """

    environment: Mapping[str, str]
    embedded: frozenset[str]
    valkey: ValkeyServer
    postgres: PostgresServer


def compose(given: Mapping[str, str], *, ports: Ports, folder: Path, secrets: Secrets) -> Composition:
    """An address for everything: the one in `given`, else that of an embedded part."""
    given = {name: value for name, value in given.items() if value}
    valkey = ValkeyServer(folder / "valkey", ports.valkey, secrets.valkey)
    postgres = PostgresServer(folder / "postgres", ports.postgres, secrets.postgres)
    identity = f"http://{LOOPBACK}:{ports.identity}"
    offers = {
        "valkey": (("REDIS_URL",), {"REDIS_URL": valkey.url}),
        "postgres": (("DATABASE_URL",), {"DATABASE_URL": postgres.url}),
        "models": (
            ("OPENAI_API_KEY", "OPENAI_BASE_URL"),
            {
                "OPENAI_BASE_URL": f"http://{LOOPBACK}:{ports.models}/v1",
                "EMBEDDING_MODEL": "all-minilm-l6-v2",
                "EMBEDDING_DIMENSIONS": "384",
                "CHAT_MODEL": "extractive",
            },
        ),
        "identity": (
            _COGNITO,
            {
                "COGNITO_USER_POOL_ISSUER": f"{identity}/{USER_POOL}",
                "COGNITO_CLIENT_ID": CLIENT_ID,
                "COGNITO_IDENTITY_POOL_ID": IDENTITY_POOL,
                "COGNITO_IDENTITY_ISSUER": identity,
                "COGNITO_IDENTITY_JWKS_URL": f"{identity}/.well-known/jwks_uri",
                "IDENTITY_DIR": str(folder / "identity"),
                "IDENTITY_PUBLIC_URL": identity,
                "IDENTITY_USER_POOL_ID": USER_POOL,
                "IDENTITY_CLIENT_ID": CLIENT_ID,
                "IDENTITY_POOL_ID": IDENTITY_POOL,
                "IDENTITY_EDITOR_EMAIL": EDITOR_EMAIL,
                "IDENTITY_EDITOR_PASSWORD": secrets.editor,
            },
        ),
    }
    embedded = frozenset(part for part, (names, _) in offers.items() if not any(name in given for name in names))
    defaults = {
        "ENVIRONMENT": "local",
        "HISTORY_API_URL": f"http://{LOOPBACK}:{ports.history_api}",
        "INGEST_API_URL": f"http://{LOOPBACK}:{ports.ingest_api}",
        "BLOB_DIR": str(folder / "blobs"),
        # A killed worker's answer goes on in seconds; on one machine no network hides a living one for that long.
        "BUS_CLAIM_SECONDS": "5",
        "STOP_GRACE_SECONDS": "6",
        "OPENAI_API_KEY": _NO_KEY,
    }
    for part in embedded:
        defaults |= offers[part][1]
    fixed = {
        "NO_PROXY": ",".join(filter(None, (given.get("NO_PROXY"), LOOPBACK, "localhost"))),
        "PYTHONUNBUFFERED": "1",
    }
    return Composition(
        environment={**defaults, **given, **fixed},
        embedded=embedded,
        valkey=valkey,
        postgres=postgres,
    )


def validate(environment: Mapping[str, str], modules: Iterable[str] = SETTINGS_MODULES) -> None:
    """Every setting of every service can be read from this environment.

    Raises:
        SystemExit: its one message names every variable that is missing or wrong.
    """
    kinds: dict[type[Settings], None] = {ProcessSettings: None}
    for module in modules:
        for found in vars(importlib.import_module(module)).values():
            if isinstance(found, type) and issubclass(found, Settings) and found is not Settings:
                kinds[found] = None
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(environment)
    try:
        load(*kinds)
    finally:
        os.environ.clear()
        os.environ.update(before)
