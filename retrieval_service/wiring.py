"""Joins ports and adapters; the only module of the service that names adapters."""

from contextlib import AbstractAsyncContextManager
from functools import partial

from fastapi import FastAPI

from libs.bus.bus import Bus
from libs.bus.connection import connect
from libs.db.pool import create_pool
from libs.llm.embeddings import OpenAIEmbedder
from libs.llm.endpoint import Endpoint
from libs.service.app import build_app
from libs.service.health import Health
from libs.vectors.pgvector import PgVectorStore
from libs.vectors.pinecone import PineconeStore
from retrieval_service.cache import RetrievalCache
from retrieval_service.passages import PostgresPassages
from retrieval_service.retrieve import retrieve
from retrieval_service.settings import (
    KnowledgeSettings,
    ModelSettings,
    PostgresSettings,
    RedisSettings,
    RetrievalSettings,
)
from retrieval_service.worker import register


def build(
    redis_settings: RedisSettings,
    postgres_settings: PostgresSettings,
    model_settings: ModelSettings,
    knowledge_settings: KnowledgeSettings,
    settings: RetrievalSettings,
) -> FastAPI:
    """The worker as an app: it takes events from when it has started until it stops."""
    redis = connect(redis_settings.redis_url)
    pool = create_pool(postgres_settings, application_name="retrieval")
    endpoint = Endpoint(
        api_key=model_settings.openai_api_key.get_secret_value(), base_url=model_settings.openai_base_url
    )
    dimensions = knowledge_settings.embedding_dimensions
    store: PgVectorStore | PineconeStore
    if knowledge_settings.pinecone_api_key and knowledge_settings.pinecone_index_host:
        store = PineconeStore(
            knowledge_settings.pinecone_api_key.get_secret_value(),
            host=knowledge_settings.pinecone_index_host,
            dimensions=dimensions,
            search_timeout_seconds=settings.search_timeout_seconds,
        )
    else:
        store = PgVectorStore(pool, dimensions=dimensions, search_timeout_seconds=settings.search_timeout_seconds)
    passages = PostgresPassages(pool)
    cache = RetrievalCache(
        redis,
        space=f"{model_settings.openai_base_url} {knowledge_settings.embedding_model} {dimensions}",
        dimensions=dimensions,
        vector_ttl_seconds=settings.cache_vector_ttl_seconds,
        ranking_ttl_seconds=settings.cache_ranking_ttl_seconds,
    )
    bus = Bus(redis_settings, redis, group="retrieval")
    register(
        bus,
        retrieve=partial(
            retrieve,
            embedder=OpenAIEmbedder(
                endpoint,
                model=knowledge_settings.embedding_model,
                dimensions=dimensions,
                timeout_seconds=settings.embed_timeout_seconds,
            ),
            index=store,
            passages=passages,
            cache=cache,
            top_k=settings.top_k,
            min_score=settings.min_score,
        ),
        concurrency=settings.concurrency,
    )
    resources: list[AbstractAsyncContextManager[object]] = [redis, pool, endpoint, cache]
    if isinstance(store, PineconeStore):
        resources.append(store)
    return build_app(
        "retrieval",
        title="Eloquent retrieval",
        health=Health(
            checks={"redis": bus.check, "postgres": passages.check, "vectors": store.check, "model": endpoint.check},
            pulses={"bus": bus.alive},
        ),
        # Last to open and first to close: no event comes before there is what it takes to answer it.
        resources=[*resources, bus],
    )
