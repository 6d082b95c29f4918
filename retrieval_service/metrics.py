"""What retrieval counts; no ids in labels."""

from prometheus_client import Counter, Histogram

CACHE_LOOKUPS = Counter(
    "retrieval_cache_lookups_total",
    "Looks into a cache (vector, ranking) by outcome (hit, miss, error)",
    ["cache", "outcome"],
)
STAGE_SECONDS = Histogram(
    "retrieval_stage_duration_seconds",
    "Time of the stages of a retrieval (condense, embed, vectors, words, rerank) and of the whole",
    ["stage"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5),
)
PASSAGES = Histogram("retrieval_passages", "Passages given to a question", buckets=(0, 1, 2, 4, 8, 16, 32))
CONDENSED = Counter("retrieval_follow_ups_total", "Follow-ups a model was to rewrite, by who did (model, rule)", ["by"])
RERANKED = Counter("retrieval_reranked_total", "Rankings given to the reranker by outcome (ok, error)", ["outcome"])
