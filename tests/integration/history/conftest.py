"""Turns on a real Postgres."""

from collections.abc import AsyncIterator

import asyncpg
import httpx
import pytest

from history_service.api import messages_router, sessions_router
from history_service.branches import PostgresBranches
from history_service.branches_api import branches_router
from history_service.citations import PostgresRights
from history_service.claims import PostgresClaims
from history_service.claims_api import claims_router
from history_service.deletions import PostgresDeletions
from history_service.deletions_api import deletions_router
from history_service.export import Export
from history_service.export_api import export_router
from history_service.feedback import PostgresFeedback
from history_service.feedback_api import feedback_router
from history_service.messages import PostgresMessages
from history_service.past import PastLimits
from history_service.search import PostgresSearch
from history_service.search_api import search_router
from history_service.sessions import PostgresSessions
from history_service.shares import PostgresShares
from history_service.shares_api import owned_shares_router, shares_router
from history_service.turns import PostgresTurns
from libs.auth.http import authenticated
from libs.service.app import build_app
from libs.service.health import Health
from tests.integration.history.api_calls import ANN, BOB, UNDO_SECONDS, Tokens, as_


@pytest.fixture
def turns(pool: asyncpg.Pool) -> PostgresTurns:
    return PostgresTurns(pool, past=PastLimits(turns=10, characters=12_000))


@pytest.fixture
async def http(pool: asyncpg.Pool) -> AsyncIterator[httpx.AsyncClient]:
    """Ann's client."""
    tokens = Tokens(ann=ANN, bob=BOB)
    principal = authenticated(tokens)
    sessions, messages = PostgresSessions(pool, reader=pool), PostgresMessages(pool, reader=pool)
    rights, shares = PostgresRights(pool), PostgresShares(pool)
    branches = PostgresBranches(pool, reader=pool)
    app = build_app(
        "history-api",
        title="Sessions",
        health=Health(),
        routers=[
            claims_router(PostgresClaims(pool), verifier=tokens, principal=principal),
            search_router(PostgresSearch(pool), principal=principal),
            export_router(Export(sessions, messages, rights), sessions, principal=principal),
            feedback_router(PostgresFeedback(pool), messages, principal=principal),
            sessions_router(sessions, undo_seconds=UNDO_SECONDS, principal=principal),
            deletions_router(PostgresDeletions(pool, undo_seconds=UNDO_SECONDS), sessions, principal=principal),
            messages_router(messages, branches, rights, principal=principal),
            branches_router(branches, principal=principal),
            owned_shares_router(shares, sessions, principal=principal),
            shares_router(shares, rights, viewers="anyone", principal=principal),
        ],
    )
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app), base_url="http://history", headers=as_("ann")
    ) as client:
        yield client
