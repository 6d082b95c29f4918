"""Everything about retrieval that can be set."""

from pydantic import Field
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

    top_k: int = Field(8, ge=1, le=50, description="Passages given to a question at most")
    min_score: float = Field(
        0.26,
        ge=-1,
        le=1,
        description="Least cosine similarity of a passage, calibrated for all-MiniLM-L6-v2 (ADR 0011)",
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
