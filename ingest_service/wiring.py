"""The composition roots: which adapters the worker and the API are made of."""

from functools import partial

from fastapi import FastAPI

from ingest_service.api import UPLOADS_PATH, documents_router
from ingest_service.changes import Changes
from ingest_service.clearing import Clearing
from ingest_service.collections import Collections
from ingest_service.collections_api import collections_router
from ingest_service.content_api import content_router
from ingest_service.contents import Contents
from ingest_service.direct import DirectUploads, collect
from ingest_service.direct_api import FORM_PATH, direct_router, form_router
from ingest_service.documents import Documents
from ingest_service.events_api import events_router
from ingest_service.gathering import GatheringEmbedder
from ingest_service.granted import GrantedUploads
from ingest_service.index import TELL_SECONDS, Batches, Index
from ingest_service.leftovers import Removal
from ingest_service.outlook import Outlook
from ingest_service.parsing.sandbox import Sandbox
from ingest_service.parsing.wire import Limits, Rules
from ingest_service.rights import Roles
from ingest_service.settings import BlobSettings, IngestSettings
from ingest_service.stalled import StalledVersions
from ingest_service.steer import Steering
from ingest_service.stores import blobs_of, incoming_of, opened_with, vectors_of
from ingest_service.suggestions import Suggestions
from ingest_service.suggestions_api import suggestions_router
from ingest_service.sweep import Patience, sweep
from ingest_service.turns import Turns
from ingest_service.upload import Upload
from ingest_service.versions import Versions
from ingest_service.worker import register
from libs.auth.cognito import TokenVerifier
from libs.auth.http import authenticated
from libs.auth.keys import Callers, PostgresKeys
from libs.blobs.incoming import DiskIncoming
from libs.bus.bus import Bus
from libs.bus.connection import connect
from libs.config import IdentitySettings, KnowledgeSettings, ModelSettings, PostgresSettings, RedisSettings
from libs.db.pool import create_pool
from libs.service.app import build_app
from libs.service.health import Health
from libs.tasks import repeating

GROUP = "ingest"
NOTE_SECONDS = 1.0
"""Much less than what the sweep gives an upload to be announced."""


def worker_app(
    ingest: IngestSettings,
    knowledge: KnowledgeSettings,
    blob_settings: BlobSettings,
    redis_settings: RedisSettings,
    postgres: PostgresSettings,
    models: ModelSettings,
) -> FastAPI:
    """The worker: what is uploaded becomes searchable, and what stands still is moved on."""
    # Here, because the API shares this module and has no use for 23 MB of the model's client.
    from libs.llm.embeddings import OpenAIEmbedder
    from libs.llm.endpoint import Endpoint
    from libs.llm.pacing import Pacer

    pool = create_pool(postgres, application_name="ingest-worker")
    redis = connect(redis_settings.redis_url)
    endpoint = Endpoint(api_key=models.openai_api_key.get_secret_value(), base_url=models.openai_base_url)
    vectors = vectors_of(knowledge, pool)
    blobs = blobs_of(blob_settings)
    sandbox = Sandbox(_rules(ingest, knowledge), concurrency=ingest.parsers)
    removal = Removal(pool, vectors, blobs)
    versions = Versions(pool)
    bus = Bus(redis_settings, redis, group=GROUP)
    turns = Turns(pool, bus.publish, places=ingest.documents_per_owner)
    pacer = Pacer(most_at_once=ingest.concurrency * ingest.embed_concurrency)
    embedder = GatheringEmbedder(
        OpenAIEmbedder(
            endpoint,
            model=knowledge.embedding_model,
            dimensions=knowledge.embedding_dimensions,
            batch_texts=ingest.embed_batch,
            timeout_seconds=ingest.embed_timeout_seconds,
            pacer=pacer,
        ),
        size=ingest.embed_batch,
        wait_seconds=ingest.embed_wait_seconds,
    )
    index = Index(
        versions=versions,
        removal=removal,
        blobs=blobs,
        reader=sandbox,
        embedder=embedder,
        vectors=vectors,
        batches=Batches(ingest.embed_batch, ingest.embed_concurrency),
        outlook=Outlook(size=ingest.embed_batch, at_once=ingest.embed_concurrency, limit=pacer.limit),
        turns=turns,
        model=f"{knowledge.embedding_model} {knowledge.embedding_dimensions}",
    )
    register(
        bus,
        index=index,
        give_up=index.give_up,
        concurrency=ingest.concurrency,
        patience_seconds=ingest.patience_seconds,
    )
    uncollected = partial(collect, GrantedUploads(pool), incoming_of(blob_settings, blobs, form_url=FORM_PATH))
    once = partial(
        sweep,
        stalled=StalledVersions(pool),
        versions=versions,
        removal=removal,
        turns=turns,
        publish=bus.publish,
        backlog=bus.entries,
        patience=Patience(
            idle_seconds=ingest.idle_seconds,
            overdue_seconds=ingest.overdue_seconds,
            max_publications=ingest.max_publications,
        ),
    )
    return build_app(
        "ingest-worker",
        title="Eloquent ingest worker",
        health=Health(
            checks={
                "postgres": partial(pool.fetchval, "SELECT 1"),
                "redis": bus.check,
                "blobs": blobs.check,
                "vectors": vectors.check,
                "model": endpoint.check,
            },
            pulses={"bus": bus.alive},
        ),
        # The bus last but one: no event comes before there is what it takes to index it.
        resources=[
            redis,
            pool,
            endpoint,
            *opened_with(vectors),
            sandbox,
            embedder,
            bus,
            repeating(turns.note_published, every_seconds=NOTE_SECONDS),
            repeating(index.tell_all, every_seconds=TELL_SECONDS),
            repeating(once, every_seconds=ingest.sweep_seconds),
            repeating(Clearing(pool, removal).clear_all, every_seconds=ingest.sweep_seconds),
            repeating(uncollected, every_seconds=ingest.sweep_seconds),
        ],
    )


def api_app(
    ingest: IngestSettings,
    knowledge: KnowledgeSettings,
    blob_settings: BlobSettings,
    redis_settings: RedisSettings,
    postgres: PostgresSettings,
    identity: IdentitySettings,
) -> FastAPI:
    """The API: people add, follow and delete documents."""
    pool = create_pool(postgres, application_name="ingest-api")
    redis = connect(redis_settings.redis_url)
    bus = Bus(redis_settings, redis, group=GROUP)
    vectors = vectors_of(knowledge, pool)
    blobs = blobs_of(blob_settings)
    roles = Roles(editors=ingest.editors_group, uploaders=ingest.uploaders_group)
    removal = Removal(pool, vectors, blobs)
    documents = Documents(pool, roles=roles, places=ingest.documents_per_owner)
    turns = Turns(pool, bus.publish, places=ingest.documents_per_owner)
    upload = Upload(documents, blobs, turns)
    incoming = incoming_of(blob_settings, blobs, form_url=FORM_PATH)
    direct = DirectUploads(
        documents=documents,
        granted=GrantedUploads(pool),
        incoming=incoming,
        upload=upload,
        max_bytes=ingest.upload_max_bytes,
    )
    forms = []
    if isinstance(incoming, DiskIncoming):
        forms = [form_router(incoming, upload_dir=ingest.upload_dir, upload_max_bytes=ingest.upload_max_bytes)]
    verifier = TokenVerifier.from_settings(identity)
    callers = Callers(verifier, PostgresKeys(pool))
    principal = authenticated(callers, reads="documents:read", writes="documents:write")
    return build_app(
        "ingest-api",
        title="Eloquent documents",
        health=Health(
            checks={
                "postgres": partial(pool.fetchval, "SELECT 1"),
                "redis": bus.check,
                "blobs": blobs.check,
                "identity": verifier.check,
            }
        ),
        resources=[
            redis,
            pool,
            *opened_with(vectors),
            bus,
            repeating(turns.note_published, every_seconds=NOTE_SECONDS),
        ],
        routers=[
            *forms,
            direct_router(direct, documents, roles=roles, principal=principal),
            events_router(documents, Changes(pool), principal=principal),
            suggestions_router(Suggestions(pool), principal=principal),
            content_router(Contents(pool, blobs), principal=principal),
            documents_router(
                documents,
                removal,
                upload=upload,
                steering=Steering(pool, roles=roles, turns=turns),
                roles=roles,
                principal=principal,
                upload_dir=ingest.upload_dir,
                upload_max_bytes=ingest.upload_max_bytes,
            ),
            collections_router(
                Collections(pool, roles=roles), Clearing(pool, removal), roles=roles, principal=principal
            ),
        ],
        own_body_limits=[UPLOADS_PATH, FORM_PATH],
    )


def _rules(ingest: IngestSettings, knowledge: KnowledgeSettings) -> Rules:
    return Rules(
        limits=Limits(
            memory_bytes=ingest.parser_memory_bytes,
            cpu_seconds=ingest.parser_cpu_seconds,
            wall_seconds=ingest.parser_wall_seconds,
            max_characters=ingest.max_characters,
        ),
        chunk_tokens=ingest.chunk_tokens,
        tokenizer_file=None if ingest.tokenizer_file is None else str(ingest.tokenizer_file.resolve()),
        embedding_model=knowledge.embedding_model,
    )
