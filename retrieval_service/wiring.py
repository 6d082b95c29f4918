"""Joins ports and adapters; the only module of the service that names adapters."""

from contextlib import AbstractAsyncContextManager
from functools import partial

from fastapi import FastAPI

from libs.bus.bus import Bus
from libs.bus.connection import connect
from libs.db.pool import create_pool
from libs.flags.flags import Flags
from libs.flags.settings import FlagSettings
from libs.llm.chat import ChatTimeouts, OpenAIChat
from libs.llm.embeddings import OpenAIEmbedder
from libs.llm.endpoint import Endpoint
from libs.llm.retries import RetryPolicy
from libs.service.app import build_app
from libs.service.health import Health
from libs.vectors.pgvector import PgVectorStore
from libs.vectors.pinecone import PineconeStore
from libs.vectors.pinecone_rerank import PineconeReranker
from retrieval_service.cache import RetrievalCache
from retrieval_service.condense import Rewriting, fading
from retrieval_service.flags import FLAGS, Finding, switched
from retrieval_service.lexical import PostgresWords
from retrieval_service.passages import PostgresPassages
from retrieval_service.ports import Relevance
from retrieval_service.retrieve import retrieve
from retrieval_service.search import Finder
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
    flag_settings: FlagSettings,
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
    reranker = _reranker(knowledge_settings, settings)
    embedder = OpenAIEmbedder(
        endpoint,
        model=knowledge_settings.embedding_model,
        dimensions=dimensions,
        timeout_seconds=settings.embed_timeout_seconds,
    )
    words = PostgresWords(pool)

    def cache(rerank_model: str = "") -> RetrievalCache:
        model = (model_settings.openai_base_url, knowledge_settings.embedding_model, str(dimensions), rerank_model)
        return RetrievalCache(
            redis,
            space=" ".join(model),
            dimensions=dimensions,
            vector_ttl_seconds=settings.cache_vector_ttl_seconds,
            ranking_ttl_seconds=settings.cache_ranking_ttl_seconds,
        )

    def finding(cache: RetrievalCache, reranker: PineconeReranker | None = None) -> Finding:
        return Finding(Finder(embedder, store, words, passages, cache, reranker), cache)

    caches = [cache(), cache(settings.rerank_model or "")]
    flags = Flags.from_settings(FLAGS, flag_settings)
    bus = Bus(redis_settings, redis, group="retrieval")
    register(
        bus,
        retrieve=switched(
            partial(
                retrieve,
                passages=passages,
                top_k=settings.top_k,
                relevance=Relevance(settings.min_score, settings.min_coverage, settings.min_score_growth),
            ),
            is_on=flags.is_on,
            fading=fading,
            plain=finding(caches[0]),
            rewriting=_rewriting(endpoint, settings),
            reranked=None if reranker is None else finding(caches[1], reranker),
        ),
        concurrency=settings.concurrency,
    )
    resources: list[AbstractAsyncContextManager[object]] = [redis, pool, endpoint, flags, *caches]
    resources += [part for part in (store, reranker) if isinstance(part, PineconeStore | PineconeReranker)]
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


def _rewriting(endpoint: Endpoint, settings: RetrievalSettings) -> Rewriting | None:
    if settings.condense_model is None:
        return None
    seconds = settings.condense_timeout_seconds
    # One try: there is a rule to fall back on, and an answer that waits.
    model = OpenAIChat(
        endpoint,
        model=settings.condense_model,
        timeouts=ChatTimeouts(first_token_seconds=seconds, between_tokens_seconds=seconds),
        retries=RetryPolicy(tries=1),
    )
    return Rewriting(model, timeout_seconds=seconds)


def _reranker(knowledge: KnowledgeSettings, settings: RetrievalSettings) -> PineconeReranker | None:
    if settings.rerank_model is None:
        return None
    key = settings.rerank_api_key or knowledge.pinecone_api_key
    if key is None:
        raise SystemExit("RETRIEVAL_RERANK_MODEL needs RETRIEVAL_RERANK_API_KEY or PINECONE_API_KEY")
    return PineconeReranker(
        key.get_secret_value(),
        model=settings.rerank_model,
        host=settings.rerank_host,
        timeout_seconds=settings.rerank_timeout_seconds,
    )
