-- The vectors of pgvector's adapter. They are found things, not the truth: a row here without a chunk is harmless.
CREATE EXTENSION IF NOT EXISTS vector;

CREATE TABLE chunk_vectors (
    chunk_id    uuid PRIMARY KEY,
    collection  text NOT NULL,
    document_id uuid NOT NULL,
    embedding   halfvec NOT NULL                 -- any dimension; half precision is half the memory (ADR 0010)
);

CREATE INDEX chunk_vectors_by_collection ON chunk_vectors (collection);
CREATE INDEX chunk_vectors_by_document ON chunk_vectors (document_id);

-- An HNSW index has one dimension, a table whose model was changed has two: one partial index for each usual
-- dimension. An empty one costs a page. Vectors of another dimension are found too, by an exact scan: add an index.
CREATE INDEX chunk_vectors_256 ON chunk_vectors
    USING hnsw ((embedding::halfvec(256)) halfvec_cosine_ops) WHERE vector_dims(embedding) = 256;
CREATE INDEX chunk_vectors_384 ON chunk_vectors
    USING hnsw ((embedding::halfvec(384)) halfvec_cosine_ops) WHERE vector_dims(embedding) = 384;
CREATE INDEX chunk_vectors_512 ON chunk_vectors
    USING hnsw ((embedding::halfvec(512)) halfvec_cosine_ops) WHERE vector_dims(embedding) = 512;
CREATE INDEX chunk_vectors_768 ON chunk_vectors
    USING hnsw ((embedding::halfvec(768)) halfvec_cosine_ops) WHERE vector_dims(embedding) = 768;
CREATE INDEX chunk_vectors_1024 ON chunk_vectors
    USING hnsw ((embedding::halfvec(1024)) halfvec_cosine_ops) WHERE vector_dims(embedding) = 1024;
CREATE INDEX chunk_vectors_1536 ON chunk_vectors
    USING hnsw ((embedding::halfvec(1536)) halfvec_cosine_ops) WHERE vector_dims(embedding) = 1536;
CREATE INDEX chunk_vectors_3072 ON chunk_vectors
    USING hnsw ((embedding::halfvec(3072)) halfvec_cosine_ops) WHERE vector_dims(embedding) = 3072;
