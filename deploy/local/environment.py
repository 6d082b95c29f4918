"""The environment of every child: what the user set, and an embedded part's address for whatever they did not."""

import importlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from deploy.local.ports import LOOPBACK, Ports
from deploy.local.postgres import PostgresServer
from deploy.local.state import Secrets
from deploy.local.valkey import ValkeyServer
from deploy.local.web_build import DIST
from libs.config import Settings, load

EDITOR_EMAIL = "editor@eloquent.local"
USER_POOL = "local_eloquent"
CLIENT_ID = "eloquentlocal"
ISSUER = "http://identity.eloquent.local"
"""A name, not an address: who a user is follows from it, and must not change with the port."""
IDENTITY_POOL = "local:00000000-0000-4000-8000-000000000000"

SETTINGS_MODULES = (
    "libs.config",
    "libs.contracts.plans",
    "libs.llm.prices",
    "libs.flags.settings",
    "gateway.settings",
    "history_service.settings",
    "retrieval_service.settings",
    "generation_service.settings",
    "ingest_service.settings",
    "deploy.local.settings",
    "deploy.local.identity.settings",
    "deploy.local.models.settings",
)

_COGNITO = ("COGNITO_USER_POOL_ISSUER", "COGNITO_CLIENT_ID", "COGNITO_IDENTITY_POOL_ID")
_EMBEDDERS = frozenset({"retrieval", "ingest-api", "ingest-worker"})
_OPENAI_HOSTS = ("openai.com", "openai.azure.com")
_LOCAL_EMBEDDING = {
    "EMBEDDING_MODEL": "all-minilm-l6-v2",
    "EMBEDDING_DIMENSIONS": "384",
    "INGEST_TOKENIZER_FILE": str(Path(__file__).parent / "models" / "tokenizer.json"),
}
_NO_KEY = "not-needed"
"""Endpoints such as Ollama and vLLM ask for no key, the client library does."""


@dataclass(frozen=True)
class Composition:
    """What the children get.

    Attributes:
        environment: the part of it that is the same for all.
        embedding: what those who embed have in its place.
        embedded: the parts that this run starts itself: valkey, postgres, models, identity.
        valkey: how it is started, when it is.
        postgres: how it is started, when it is.
    """

    environment: Mapping[str, str]
    embedding: Mapping[str, str]
    embedded: frozenset[str]
    valkey: ValkeyServer
    postgres: PostgresServer

    def environment_of(self, service: str) -> Mapping[str, str]:
        """What this service gets."""
        return {**self.environment, **(self.embedding if service in _EMBEDDERS else {})}


def compose(given: Mapping[str, str], *, ports: Ports, folder: Path, secrets: Secrets) -> Composition:
    """An address for everything: the one in `given`, else that of an embedded part."""
    given = {name: value for name, value in given.items() if value}
    valkey = ValkeyServer(folder / "valkey", ports.valkey, secrets.valkey)
    postgres = PostgresServer(folder / "postgres", ports.postgres, secrets.postgres)
    defaults = {
        "ENVIRONMENT": "local",
        "HISTORY_API_URL": f"http://{LOOPBACK}:{ports.history_api}",
        "INGEST_API_URL": f"http://{LOOPBACK}:{ports.ingest_api}",
        "BLOB_DIR": str(folder / "blobs"),
        "WEB_DIR": str(DIST),
        # A killed worker's answer goes on in seconds; on one machine no network hides a living one for that long.
        "BUS_CLAIM_SECONDS": "5",
        "STOP_GRACE_SECONDS": "6",
        "OPENAI_API_KEY": _NO_KEY,
        # Threads of a language model that wait must not burn the cores everything else runs on.
        "OMP_WAIT_POLICY": "passive",
        "GOMP_SPINCOUNT": "0",
    }
    embedded = set()
    if "REDIS_URL" not in given:
        embedded.add("valkey")
        defaults["REDIS_URL"] = valkey.url
    if "DATABASE_URL" not in given:
        embedded.add("postgres")
        defaults["DATABASE_URL"] = postgres.url
    if not any(name in given for name in _COGNITO):
        embedded.add("identity")
        defaults |= _local_identity(ports, folder, secrets)
    embedding: dict[str, str] = {}
    models = {"OPENAI_BASE_URL": f"http://{LOOPBACK}:{ports.models}/v1", "OPENAI_API_KEY": _NO_KEY}
    if "OPENAI_API_KEY" not in given and "OPENAI_BASE_URL" not in given:
        embedded.add("models")
        chat_model = Path(given["LLM_GGUF"]).stem if "LLM_GGUF" in given else "extractive"
        defaults |= {**models, **_LOCAL_EMBEDDING, "CHAT_MODEL": chat_model}
    elif has_own_endpoint(given) and "EMBEDDING_MODEL" not in given:
        # Few of them embed, and none as OpenAI's models are called: they write, the local models embed.
        embedded.add("models")
        defaults |= _LOCAL_EMBEDDING
        embedding = models
    fixed = {
        "NO_PROXY": ",".join(filter(None, (given.get("NO_PROXY"), LOOPBACK, "localhost"))),
        "PYTHONUNBUFFERED": "1",
    }
    return Composition(
        environment={**defaults, **given, **fixed},
        embedding=embedding,
        embedded=frozenset(embedded),
        valkey=valkey,
        postgres=postgres,
    )


def has_own_endpoint(given: Mapping[str, str]) -> bool:
    """The models are at an endpoint that is not OpenAI's: Ollama, vLLM, or a vendor that speaks like it."""
    host = urlsplit(given.get("OPENAI_BASE_URL", "")).hostname or ""
    return bool(host) and not any(host == known or host.endswith(f".{known}") for known in _OPENAI_HOSTS)


def _local_identity(ports: Ports, folder: Path, secrets: Secrets) -> dict[str, str]:
    address = f"http://{LOOPBACK}:{ports.identity}"
    return {
        "COGNITO_USER_POOL_ISSUER": f"{ISSUER}/{USER_POOL}",
        "COGNITO_USER_POOL_JWKS_URL": f"{address}/{USER_POOL}/.well-known/jwks.json",
        "COGNITO_CLIENT_ID": CLIENT_ID,
        "COGNITO_IDENTITY_POOL_ID": IDENTITY_POOL,
        "COGNITO_IDENTITY_ISSUER": ISSUER,
        "COGNITO_IDENTITY_JWKS_URL": f"{address}/.well-known/jwks_uri",
        "IDENTITY_DIR": str(folder / "identity"),
        "IDENTITY_PUBLIC_URL": ISSUER,
        "IDENTITY_ENDPOINT": address,
        "IDENTITY_USER_POOL_ID": USER_POOL,
        "IDENTITY_CLIENT_ID": CLIENT_ID,
        "IDENTITY_POOL_ID": IDENTITY_POOL,
        "IDENTITY_EDITOR_EMAIL": EDITOR_EMAIL,
        "IDENTITY_EDITOR_PASSWORD": secrets.editor,
    }


def validate(environment: Mapping[str, str], modules: Iterable[str] = SETTINGS_MODULES) -> None:
    """Every setting of every service can be read from this environment.

    Raises:
        SystemExit: its one message names every variable that is missing or wrong.
    """
    kinds: dict[type[Settings], None] = {}
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
