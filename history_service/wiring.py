"""The composition roots: which adapters the worker and the API are made of."""

from functools import partial

from fastapi import FastAPI

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
from history_service.keys import PostgresKeyRing
from history_service.keys_api import keys_router
from history_service.messages import PostgresMessages
from history_service.open_turn import open_turn
from history_service.past import PastLimits
from history_service.queues import RedisTurnQueues
from history_service.record_answer import record_answer
from history_service.search import PostgresSearch
from history_service.search_api import search_router
from history_service.sessions import PostgresSessions
from history_service.settings import HistorySettings
from history_service.shares import PostgresShares
from history_service.shares_api import owned_shares_router, shares_router
from history_service.sweep import Patience, sweep
from history_service.turns import PostgresTurns
from history_service.unfinished import PostgresUnfinishedTurns
from history_service.worker import register
from libs.answers.activity import LogActivity
from libs.auth.cognito import TokenVerifier
from libs.auth.http import authenticated
from libs.auth.keys import Callers, PostgresKeys
from libs.bus.bus import Bus
from libs.bus.connection import connect
from libs.clock import utc_now
from libs.config import IdentitySettings, PostgresSettings, RedisSettings
from libs.contracts.plans import PlanSettings
from libs.db.pool import create_pool
from libs.service.app import build_app
from libs.service.health import Health
from libs.tasks import repeating

GROUP = "history"


def worker_app(history: HistorySettings, redis_settings: RedisSettings, postgres: PostgresSettings) -> FastAPI:
    """The worker: turns, answers, and the sweeper."""
    pool = create_pool(postgres, application_name="history-worker")
    redis = connect(redis_settings.redis_url)
    bus = Bus(redis_settings, redis, group=GROUP)
    turns = PostgresTurns(pool, past=PastLimits(history.past_turns, history.past_characters))
    register(
        bus,
        open_turn=partial(open_turn, store=turns),
        record_answer=partial(record_answer, store=turns),
        concurrency=history.concurrency,
    )
    once = partial(
        sweep,
        turns=PostgresUnfinishedTurns(pool, turns),
        logs=LogActivity(redis, redis_settings.bus_partitions, utc_now),
        queues=RedisTurnQueues(redis, partitions=redis_settings.bus_partitions),
        publish=bus.publish,
        patience=Patience(history.silent_seconds, history.max_reopenings),
        clock=utc_now,
    )
    deletions = PostgresDeletions(pool, undo_seconds=history.undo_seconds)
    return build_app(
        "history-worker",
        title="Eloquent history worker",
        health=Health(
            checks={"postgres": partial(pool.fetchval, "SELECT 1"), "redis": bus.check}, pulses={"bus": bus.alive}
        ),
        resources=[
            *(redis, pool, bus),
            repeating(once, every_seconds=history.sweep_seconds),
            repeating(deletions.purge, every_seconds=history.sweep_seconds),
        ],
    )


def api_app(
    history: HistorySettings, postgres: PostgresSettings, identity: IdentitySettings, plans: PlanSettings
) -> FastAPI:
    """The API: people read, rename and delete their sessions."""
    pool = create_pool(postgres, application_name="history-api")
    reader, pools = pool, [pool]
    if history.reader_database_url is not None:
        replica = postgres.model_copy(update={"database_url": history.reader_database_url})
        reader = create_pool(replica, application_name="history-api-reader")
        pools.append(reader)
    verifier = TokenVerifier.from_settings(identity)
    callers = Callers(verifier, PostgresKeys(pool))
    principal = authenticated(callers, reads="chat", writes="sessions:write")
    sessions, messages = PostgresSessions(pool, reader=reader), PostgresMessages(pool, reader=reader)
    rights, shares = PostgresRights(pool), PostgresShares(pool)
    branches = PostgresBranches(pool, reader=reader)
    deletions = PostgresDeletions(pool, undo_seconds=history.undo_seconds)
    return build_app(
        "history-api",
        title="Eloquent sessions",
        health=Health(checks={"postgres": partial(pool.fetchval, "SELECT 1"), "identity": verifier.check}),
        resources=pools,
        routers=[
            claims_router(PostgresClaims(pool), verifier=verifier, principal=principal),
            # Before the sessions: at `search` and `export` there is none.
            search_router(PostgresSearch(reader), principal=principal),
            export_router(Export(sessions, messages, rights), sessions, principal=principal),
            feedback_router(PostgresFeedback(pool), messages, principal=principal),
            sessions_router(sessions, undo_seconds=history.undo_seconds, principal=principal),
            deletions_router(deletions, sessions, principal=principal),
            messages_router(messages, branches, rights, principal=principal),
            branches_router(branches, principal=principal),
            owned_shares_router(shares, sessions, principal=principal),
            shares_router(shares, rights, viewers=history.share_viewers, principal=principal),
            keys_router(
                PostgresKeyRing(pool, most=history.keys_per_user),
                plans,
                principal=authenticated(callers),
                anybody=authenticated(callers, any_key=True),
            ),
        ],
    )
