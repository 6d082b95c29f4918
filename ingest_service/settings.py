"""What can be set, and why one would."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from libs.config import Settings


class BlobSettings(Settings):
    """Where the documents' bytes are kept; the same for the API and the worker, so without a prefix."""

    blob_dir: Path = Field(Path(".local/blobs"), description="Folder of the documents' bytes, shared by all processes")
    blob_bucket: str | None = Field(None, min_length=3, description="S3 bucket for them, instead of a folder")
    blob_prefix: str = Field("", max_length=200, description="What the names of the bucket's objects begin with")


class IngestSettings(Settings):
    """What only ingest has."""

    model_config = SettingsConfigDict(env_prefix="INGEST_")

    editors_group: str = Field(
        "editors",
        min_length=1,
        max_length=128,
        description="Cognito group whose members add to the public collection and open collections to everybody",
    )
    uploaders_group: str | None = Field(
        None,
        min_length=1,
        max_length=128,
        description="Cognito group that may add documents and make collections; everybody signed in without it",
    )
    upload_max_bytes: int = Field(100_000_000, ge=1, description="Size of the largest document taken")
    upload_dir: Path | None = Field(
        None, description="Folder where uploads lie until they are complete; the system's temporary folder without it"
    )
    concurrency: int = Field(8, ge=1, le=100, description="Documents a worker indexes at once")
    documents_per_owner: int = Field(
        4, ge=1, le=1000, description="Documents of one owner under way at once; further ones wait for their turn"
    )
    patience_seconds: float = Field(
        900.0, ge=0, le=86400, description="Trouble that passes is no failure of a document that is younger than this"
    )
    parsers: int = Field(2, ge=1, le=64, description="Files a worker parses at once, about one per core")
    parser_memory_bytes: int = Field(
        1024**3, ge=256 * 1024**2, description="Address space of the process that parses a file"
    )
    parser_cpu_seconds: int = Field(60, ge=1, le=3600, description="Processor time that parsing a file may take")
    parser_wall_seconds: float = Field(120.0, gt=0, le=7200, description="Time that parsing a file may take")
    max_characters: int = Field(
        20_000_000, ge=1000, le=100_000_000, description="Text a document may have, whatever the size of its file"
    )
    chunk_tokens: int = Field(
        200,
        ge=32,
        le=4000,
        description="Tokens of a chunk at most; all-MiniLM-L6-v2 sees 256, title and heading included",
    )
    tokenizer_file: Path | None = Field(
        None, description="tokenizer.json of the embedding model; OpenAI's encoding counts without it"
    )
    embed_batch: int = Field(64, ge=1, le=2048, description="Chunks embedded in one request")
    embed_concurrency: int = Field(2, ge=1, le=64, description="Requests to embed one document at once")
    embed_wait_seconds: float = Field(
        0.02, ge=0, le=5, description="How long a short document's chunks wait for those of others to share a request"
    )
    embed_timeout_seconds: float = Field(60.0, gt=0, description="How long embedding a batch may take")
    sweep_seconds: float = Field(30.0, gt=0, le=3600, description="Time between two looks for what stands still")
    idle_seconds: float = Field(
        600.0, gt=0, description="A document that made no progress for so long is published again"
    )
    overdue_seconds: float = Field(
        3600.0, gt=0, description="The same, even while its stream holds entries that may be in front of it"
    )
    max_publications: int = Field(5, ge=1, le=100, description="Times a document is published before it has failed")
