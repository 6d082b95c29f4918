-- Uploads whose bytes go straight to the blob store (ADR 0035): what was allowed, until it is complete or forgotten.

CREATE TABLE uploads (
    upload_id       uuid PRIMARY KEY,            -- also the name under which the bytes wait
    owner_id        uuid NOT NULL,
    collection      text NOT NULL,
    file_name       text NOT NULL,
    title           text NOT NULL,               -- as given; empty when none was
    size_bytes      bigint NOT NULL,
    idempotency_key text,
    fingerprint     text NOT NULL,               -- of what came with the key
    document_id     uuid REFERENCES documents ON DELETE CASCADE,  -- what it became
    created_at      timestamptz NOT NULL DEFAULT now(),
    expires_at      timestamptz NOT NULL,        -- when its latest form does
    UNIQUE (owner_id, idempotency_key)
);
CREATE INDEX uploads_by_expiry ON uploads (expires_at);
CREATE INDEX uploads_by_document ON uploads (document_id);
