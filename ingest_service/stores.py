"""The stores that the settings name; the API and the worker are made of the same."""

from contextlib import AbstractAsyncContextManager

import asyncpg

from ingest_service.settings import BlobSettings
from libs.blobs.disk import DiskBlobs
from libs.blobs.incoming import DiskIncoming
from libs.blobs.s3 import S3Blobs
from libs.config import KnowledgeSettings
from libs.vectors.pgvector import PgVectorStore
from libs.vectors.pinecone import PineconeStore


def blobs_of(settings: BlobSettings) -> DiskBlobs | S3Blobs:
    """Where the documents' bytes are."""
    if settings.blob_bucket is not None:
        return S3Blobs(settings.blob_bucket, prefix=settings.blob_prefix)
    return DiskBlobs(settings.blob_dir)


def incoming_of(settings: BlobSettings, blobs: DiskBlobs | S3Blobs, *, form_url: str) -> DiskIncoming | S3Blobs:
    """Where files wait that come straight from clients; `form_url` is the route that takes them for a folder."""
    if isinstance(blobs, S3Blobs):
        # The same: what it has read there it copies without sending it again.
        return blobs
    return DiskIncoming(settings.blob_dir, form_url=form_url)


def vectors_of(knowledge: KnowledgeSettings, pool: asyncpg.Pool) -> PgVectorStore | PineconeStore:
    """Where the vectors are."""
    if knowledge.pinecone_api_key is not None and knowledge.pinecone_index_host is not None:
        return PineconeStore(
            knowledge.pinecone_api_key.get_secret_value(),
            host=knowledge.pinecone_index_host,
            dimensions=knowledge.embedding_dimensions,
        )
    return PgVectorStore(pool, dimensions=knowledge.embedding_dimensions)


def opened_with(vectors: PgVectorStore | PineconeStore) -> list[AbstractAsyncContextManager[object]]:
    """What is to be opened before that store is used."""
    return [vectors] if isinstance(vectors, PineconeStore) else []
