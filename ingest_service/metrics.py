"""What ingest counts; no ids in labels."""

from prometheus_client import Counter, Histogram

UPLOADS = Counter("ingest_uploads_total", "Documents that were received", ["outcome"])
"""Outcomes: accepted, unchanged (the same bytes again), repeated (the same Idempotency-Key again)."""
VERSIONS = Counter("ingest_versions_total", "Document versions that ended", ["outcome", "media_type"])
"""Outcomes: searchable, stopped (deleted or overtaken), or the failure's code."""
STAGE_SECONDS = Histogram(
    "ingest_stage_duration_seconds",
    "Time a stage took for one document version",
    ["stage"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300),
)
CHUNKS = Counter("ingest_chunks_total", "Chunks that were made searchable")
KEPT = Counter("ingest_chunks_kept_total", "Chunks of new versions that kept the vector of an equal one before")
REPUBLISHED = Counter("ingest_republished_total", "Document versions the sweep published again")
