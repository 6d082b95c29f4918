-- Collections that people make, and who may read and write them (ADR 0024). Two kinds need no row: `public`, which
-- everybody reads, and everyone's own, `user-<user id>`.

CREATE TABLE collections (
    collection      text PRIMARY KEY,            -- a UUIDv7 as text: what documents, vectors and namespaces stand under
    owner_id        uuid NOT NULL,
    name            text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 200),
    is_public       boolean NOT NULL DEFAULT false,
    idempotency_key text,                        -- of the request that made it,
    fingerprint     text,                        -- and what came with it
    created_at      timestamptz NOT NULL DEFAULT now(),
    updated_at      timestamptz NOT NULL DEFAULT now(),
    UNIQUE (owner_id, idempotency_key)
);

CREATE INDEX collections_public ON collections (collection) WHERE is_public;

-- A Cognito group whose members may read the collection, or add to it too.
CREATE TABLE collection_grants (
    collection text NOT NULL REFERENCES collections ON DELETE CASCADE,
    group_name text NOT NULL CHECK (char_length(group_name) BETWEEN 1 AND 128),
    access     text NOT NULL CHECK (access IN ('read', 'write')),
    PRIMARY KEY (collection, group_name)
);

CREATE INDEX collection_grants_by_group ON collection_grants (group_name);

-- Deleted collections whose documents are still to be taken away. Nobody can read them since the deletion.
CREATE TABLE removed_collections (
    collection text PRIMARY KEY,
    removed_at timestamptz NOT NULL DEFAULT now()
);

-- The contract with everyone who shows what documents say. Both are evaluated with the caller's statement, so a right
-- that was taken away a moment ago does not hold in it. Plain SQL, which the planner folds into that statement.
CREATE FUNCTION readable_collections_v1(reader uuid, is_guest boolean, groups text[])
RETURNS TABLE (collection text)
LANGUAGE sql STABLE
AS $$
    SELECT 'public'
    UNION ALL
    SELECT 'user-' || reader
    UNION ALL
    SELECT c.collection FROM collections c WHERE c.is_public
    UNION ALL
    SELECT c.collection FROM collections c WHERE c.owner_id = reader
    UNION ALL
    SELECT g.collection FROM collection_grants g WHERE g.group_name = ANY (groups) AND NOT is_guest
$$;

-- Those of the wanted documents that the reader may read, with the version that questions find.
CREATE FUNCTION readable_documents_v1(reader uuid, is_guest boolean, groups text[], wanted uuid[])
RETURNS TABLE (document_id uuid, current_version integer)
LANGUAGE sql STABLE
AS $$
    SELECT d.document_id, d.current_version FROM documents d
    WHERE d.document_id = ANY (wanted)
      AND d.collection IN (SELECT r.collection FROM readable_collections_v1(reader, is_guest, groups) AS r)
$$;
