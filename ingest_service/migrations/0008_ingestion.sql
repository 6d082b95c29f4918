-- Every version comes to an end, in its owner's turn, and what did not change is not embedded again (ADR 0025).

ALTER TABLE document_versions
    DROP CONSTRAINT document_versions_status_check,
    ADD CONSTRAINT document_versions_status_check CHECK (
        status IN ('queued', 'uploaded', 'parsing', 'chunking', 'embedding', 'searchable', 'replaced', 'failed')
    ),
    ADD COLUMN uploader_id uuid,                           -- the owner of the document: whose turn it takes
    ADD COLUMN generation integer NOT NULL DEFAULT 1,      -- raised by each retry: ids of its chunks are new ones
    ADD COLUMN stage_at timestamptz;                       -- since when it is in its stage

UPDATE document_versions v SET uploader_id = d.owner_id FROM documents d WHERE d.document_id = v.document_id;

CREATE INDEX document_versions_under_way ON document_versions (uploader_id)
    WHERE status IN ('uploaded', 'parsing', 'chunking', 'embedding');
CREATE INDEX document_versions_queued ON document_versions (uploader_id, created_at, document_id) WHERE status = 'queued';

-- Of the model and of what it was given: an equal one in the next version keeps its id, and so its vector.
ALTER TABLE chunks ADD COLUMN content_hash bytea;

-- Vectors that a version is about to write are noted before they are written, and the note is taken away by the
-- transaction that makes them searchable: whatever ends that work, somebody knows what it left.
ALTER TABLE leftovers ADD COLUMN version integer, ADD COLUMN generation integer;
CREATE UNIQUE INDEX leftovers_of_work ON leftovers (document_id, version, generation) WHERE version IS NOT NULL;

-- Lets as many of an owner's queued versions begin as there are places, oldest first. Whoever adds a version holds the
-- same lock until its commit: each statement of this function sees what was committed before the lock was given.
CREATE FUNCTION open_queued_versions_v1(owner uuid, places integer)
RETURNS TABLE (document_id uuid, version integer, generation integer, collection text)
LANGUAGE plpgsql VOLATILE
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('documents of ' || owner, 0));
    RETURN QUERY
    UPDATE document_versions AS v SET status = 'uploaded', updated_at = now()
    FROM (
        SELECT q.document_id, q.version FROM document_versions AS q
        WHERE q.uploader_id = owner AND q.status = 'queued'
        ORDER BY q.created_at, q.document_id
        LIMIT GREATEST(0, places - (
            SELECT count(*) FROM document_versions AS w
            WHERE w.uploader_id = owner AND w.status IN ('uploaded', 'parsing', 'chunking', 'embedding')
        ))
    ) AS next
    JOIN documents AS d ON d.document_id = next.document_id
    WHERE v.document_id = next.document_id AND v.version = next.version AND v.status = 'queued'
    RETURNING v.document_id, v.version, v.generation, d.collection;
END
$$;
