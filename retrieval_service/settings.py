"""Everything about retrieval that can be set."""

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from libs.config import KnowledgeSettings, ModelSettings, PostgresSettings, ProcessSettings, RedisSettings, Settings

__all__ = [
    "KnowledgeSettings",
    "ModelSettings",
    "PostgresSettings",
    "ProcessSettings",
    "RedisSettings",
    "RetrievalSettings",
]


class RetrievalSettings(Settings):
    """What only retrieval has."""

    model_config = SettingsConfigDict(env_prefix="RETRIEVAL_")

    top_k: int = Field(8, ge=1, le=50, description="Chunks given to a question at most; neighbours become one passage")
    min_score: float = Field(
        0.39,
        ge=-1,
        le=1.3,
        description="Cosine similarity and 0.3 of the share of the query's words that make a passage relevant among "
        "250 chunks or fewer, calibrated for all-MiniLM-L6-v2 (ADR 0011)",
    )
    min_score_growth: float = Field(
        0.025,
        ge=0,
        le=0.2,
        description="How much min_score grows with each doubling of the chunks searched, from 250 to 2,000 (ADR 0011)",
    )
    min_coverage: float = Field(
        0.8,
        ge=0,
        le=1,
        description="Share of the query's words, by weight, that makes a passage relevant by itself (ADR 0011)",
    )
    condense_model: str | None = Field(
        None,
        min_length=1,
        description="The chat model that makes a follow-up stand alone; without one, earlier questions count in part",
    )
    condense_timeout_seconds: float = Field(
        1.5, gt=0, le=30, description="How long that may take; then earlier questions count in part"
    )
    rerank_model: str | None = Field(
        None, min_length=1, description="A reranker that Pinecone hosts, such as bge-reranker-v2-m3; none when not set"
    )
    rerank_api_key: SecretStr | None = Field(
        None, description="Its key; PINECONE_API_KEY when not set, which needs PINECONE_INDEX_HOST"
    )
    rerank_timeout_seconds: float = Field(
        1.0, gt=0, le=30, description="How long reranking may take; then the order stays as it was"
    )
    rerank_host: str | None = Field(
        None, min_length=1, description="Pinecone's inference API, if not at its usual host"
    )
    concurrency: int = Field(32, ge=1, le=256, description="Questions a process works on at once")
    embed_timeout_seconds: float = Field(5.0, gt=0, description="How long embedding a question may take")
    search_timeout_seconds: float = Field(5.0, gt=0, description="How long a search in the vector store may take")
    cache_vector_ttl_seconds: int = Field(
        900, ge=1, le=86_400, description="How long a query's vector is kept; 1.5 KB of Redis each at 384 dimensions"
    )
    cache_ranking_ttl_seconds: int = Field(
        300, ge=1, le=86_400, description="How long what a query found is kept, while its collections do not change"
    )
