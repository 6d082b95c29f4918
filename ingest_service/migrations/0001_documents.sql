-- Documents, their versions, and the passages that questions find.

CREATE TABLE documents (
    document_id     uuid PRIMARY KEY,
    owner_id        uuid NOT NULL,
    collection      text NOT NULL,
    file_name       text NOT NULL,
    title           text NOT NULL,
    title_given     boolean NOT NULL,            -- by the uploader; otherwise the content may name itself
    latest_version  integer NOT NULL,
    current_version integer,                     -- the searchable one; null until there is one
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    UNIQUE (owner_id, collection, file_name)     -- the same name again is a new version
);

-- Ids are UUIDv7, so their order is the order of creation: lists and their cursors need no other column.
CREATE INDEX documents_listed ON documents (collection, document_id DESC);

CREATE TABLE document_versions (
    document_id     uuid NOT NULL REFERENCES documents ON DELETE CASCADE,
    version         integer NOT NULL CHECK (version >= 1),
    sha256          text NOT NULL,               -- hex, of the bytes
    size_bytes      bigint NOT NULL,
    media_type      text NOT NULL,               -- sniffed, not declared
    blob_key        text NOT NULL,
    status          text NOT NULL DEFAULT 'uploaded'
        CHECK (status IN ('uploaded', 'parsing', 'chunking', 'embedding', 'searchable', 'replaced', 'failed')),
    progress_done   integer NOT NULL DEFAULT 0,
    progress_total  integer NOT NULL DEFAULT 0,
    failure_code    text,
    failure_message text,
    publications    integer NOT NULL DEFAULT 0,  -- how often its event was published
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (document_id, version)
);

CREATE INDEX document_versions_unfinished ON document_versions (updated_at)
    WHERE status IN ('uploaded', 'parsing', 'chunking', 'embedding');
CREATE INDEX document_versions_by_blob ON document_versions (blob_key);

CREATE TABLE chunks (
    chunk_id    uuid PRIMARY KEY,                -- derived from document, version and ordinal
    document_id uuid NOT NULL,
    version     integer NOT NULL,
    ordinal     integer NOT NULL,
    collection  text NOT NULL,
    text        text NOT NULL,                   -- the document's text from start_char to end_char, exactly
    page        integer,
    heading     text[] NOT NULL,
    start_char  integer NOT NULL,
    end_char    integer NOT NULL,
    UNIQUE (document_id, version, ordinal),
    FOREIGN KEY (document_id, version) REFERENCES document_versions ON DELETE CASCADE
);

-- Grows by one in the transaction that changes what a collection's questions can find; caches are keyed by it.
CREATE TABLE knowledge_versions (
    collection text PRIMARY KEY,
    version    bigint NOT NULL
);

-- What an Idempotency-Key stands for.
CREATE TABLE upload_keys (
    owner_id        uuid NOT NULL,
    idempotency_key text NOT NULL,
    fingerprint     text NOT NULL,               -- of name, collection, title and bytes
    document_id     uuid NOT NULL REFERENCES documents ON DELETE CASCADE,
    created_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (owner_id, idempotency_key)
);
CREATE INDEX upload_keys_by_document ON upload_keys (document_id);

-- What the vector and blob stores still hold though no row needs it: written with the change, removed afterwards.
CREATE TABLE leftovers (
    leftover_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    collection  text NOT NULL,
    document_id uuid NOT NULL,
    chunk_ids   uuid[],                          -- null: every vector of the document
    blob_keys   text[] NOT NULL DEFAULT '{}',
    created_at  timestamptz NOT NULL DEFAULT now()
);

-- The contract with retrieval: a passage exists for an answer only if it is here.
CREATE VIEW searchable_chunks_v1 AS
SELECT c.chunk_id, c.document_id, c.version, d.collection, d.title, v.media_type,
       c.page, c.heading, c.start_char, c.end_char, c.text
FROM chunks c
JOIN documents d ON d.document_id = c.document_id AND d.current_version = c.version
JOIN document_versions v ON v.document_id = c.document_id AND v.version = c.version;
