"""The HTTP APIs, as FastAPI describes them; the apps are built and never started, so nothing is connected."""

import json

from fastapi import FastAPI
from pydantic import PostgresDsn

from gateway import wiring as gateway
from gateway.settings import EdgeSettings, GatewaySettings
from history_service import wiring as history
from history_service.settings import HistorySettings
from ingest_service import wiring as ingest
from ingest_service.settings import BlobSettings, IngestSettings
from libs.config import IdentitySettings, KnowledgeSettings, PostgresSettings, RedisSettings
from libs.contracts.plans import PlanSettings

_NOWHERE = "http://nowhere.invalid"


def gateway_api() -> str:
    """The gateway's own routes; it forwards the other two APIs."""
    edge = EdgeSettings(history_api_url=_NOWHERE, ingest_api_url=_NOWHERE)
    return _document(gateway.build(_redis(), _identity(), edge, GatewaySettings(), plans=PlanSettings()))


def history_api() -> str:
    """Sessions and their messages."""
    return _document(history.api_app(HistorySettings(), _postgres(), _identity(), PlanSettings()))


def ingest_api() -> str:
    """Documents."""
    return _document(
        ingest.api_app(IngestSettings(), KnowledgeSettings(), BlobSettings(), _redis(), _postgres(), _identity())
    )


def _document(app: FastAPI) -> str:
    return json.dumps(app.openapi(), indent=2, ensure_ascii=False) + "\n"


def _redis() -> RedisSettings:
    return RedisSettings(redis_url="redis://nowhere.invalid")


def _postgres() -> PostgresSettings:
    return PostgresSettings(database_url=PostgresDsn("postgresql://nowhere.invalid/eloquent"))


def _identity() -> IdentitySettings:
    return IdentitySettings(
        cognito_user_pool_issuer=_NOWHERE, cognito_client_id="nobody", cognito_identity_pool_id="nowhere"
    )
