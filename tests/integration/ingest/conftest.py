"""Ingest over a real PostgreSQL and a real folder; the model is a fake."""

from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

from ingest_service.api import UPLOADS_PATH, documents_router
from ingest_service.changes import Changes
from ingest_service.collections_api import collections_router
from ingest_service.content_api import content_router
from ingest_service.contents import Contents
from ingest_service.direct_api import FORM_PATH, direct_router, form_router
from ingest_service.events_api import events_router
from ingest_service.suggestions import Suggestions
from ingest_service.suggestions_api import suggestions_router
from libs.auth.http import authenticated
from libs.contracts.values import Principal
from libs.service.app import build_app
from libs.service.health import Health
from tests.builders import a_principal
from tests.integration.ingest.api_calls import Tokens
from tests.integration.ingest.builders import MAX_BYTES, HashedWords, Library


@pytest.fixture
def embedder() -> HashedWords:
    return HashedWords()


@pytest.fixture
def library(pool: asyncpg.Pool, tmp_path: Path, embedder: HashedWords) -> Library:
    return Library(pool, tmp_path, embedder=embedder)


@pytest.fixture
def owner() -> Principal:
    return a_principal()


@pytest.fixture
def app(library: Library, tmp_path: Path) -> FastAPI:
    principal = authenticated(Tokens())
    documents = documents_router(
        library.documents,
        library.removal,
        upload=library.upload,
        steering=library.steering,
        roles=library.roles,
        principal=principal,
        upload_dir=tmp_path,
        upload_max_bytes=MAX_BYTES,
    )
    events = events_router(library.documents, Changes(library.pool), principal=principal)
    suggestions = suggestions_router(Suggestions(library.pool), principal=principal)
    contents = content_router(Contents(library.pool, library.blobs), principal=principal)
    direct = direct_router(library.direct, library.documents, roles=library.roles, principal=principal)
    forms = form_router(library.incoming, upload_dir=tmp_path, upload_max_bytes=MAX_BYTES)
    collections = collections_router(library.collections, library.clearing, roles=library.roles, principal=principal)
    return build_app(
        "ingest-api",
        title="Documents",
        health=Health(),
        routers=[forms, direct, events, suggestions, contents, documents, collections],
        own_body_limits=[UPLOADS_PATH, FORM_PATH],
    )


@pytest.fixture
async def http(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://test") as client:
        yield client
