-- What ingest does with a document, one call a step (ADR 0035): a round trip costs a process more than its statement.

-- Adds a document, or a version of one, unless the same bytes are its latest version already. In one transaction with
-- the key that the request had. Locks follow each other as everywhere: the document, its bytes, its owner's turns.
CREATE FUNCTION add_document_v1(
    new_id uuid, uploader uuid, into_collection text, named text, given_title text, fallback_title text,
    bytes_sha256 text, bytes_count bigint, bytes_type text, places integer, request_key text, request_fingerprint text
)
RETURNS TABLE (
    is_new boolean, document_id uuid, owner_id uuid, collection text, file_name text, title text,
    current_version integer, version integer, status text, media_type text, size_bytes bigint,
    progress_done integer, progress_total integer, failure_code text, failure_message text,
    created_at timestamptz, updated_at timestamptz
)
LANGUAGE plpgsql VOLATILE
AS $$
#variable_conflict use_column
DECLARE
    doc record;
    overtaken text[];
BEGIN
    -- Takes the row's lock in either case, so that two uploads of one name follow each other.
    INSERT INTO documents AS d (document_id, owner_id, collection, file_name, title, title_given, latest_version)
    VALUES (
        new_id, uploader, into_collection, named, coalesce(given_title, fallback_title), given_title IS NOT NULL, 0
    )
    ON CONFLICT (owner_id, collection, file_name) DO UPDATE SET owner_id = EXCLUDED.owner_id
    RETURNING d.document_id AS id, d.latest_version, d.title INTO doc;

    IF request_key IS NOT NULL THEN
        INSERT INTO upload_keys (owner_id, idempotency_key, fingerprint, document_id)
        VALUES (uploader, request_key, request_fingerprint, doc.id)
        ON CONFLICT (owner_id, idempotency_key) DO NOTHING;
        IF NOT FOUND AND NOT EXISTS (
            SELECT FROM upload_keys AS k
            WHERE k.owner_id = uploader AND k.idempotency_key = request_key AND k.fingerprint = request_fingerprint
        ) THEN
            RAISE unique_violation USING MESSAGE = 'another request was quicker with this key';
        END IF;
    END IF;

    is_new := NOT EXISTS (
        SELECT FROM document_versions AS v
        WHERE v.document_id = doc.id AND v.version = doc.latest_version AND v.sha256 = bytes_sha256
          AND v.status <> 'failed' AND (given_title IS NULL OR given_title = doc.title)
    );
    IF is_new THEN
        -- No blob goes away under a row that is being written, and nobody's turn is decided twice.
        PERFORM pg_advisory_xact_lock(hashtextextended('blob ' || bytes_sha256, 0));
        PERFORM pg_advisory_xact_lock(hashtextextended('documents of ' || uploader, 0));
        -- What waits and is overtaken need not be indexed at all.
        WITH replaced AS (
            UPDATE document_versions AS v SET status = 'replaced', updated_at = now()
            WHERE v.document_id = doc.id AND v.version <= doc.latest_version AND v.status = 'queued'
            RETURNING v.blob_key
        )
        SELECT array_agg(r.blob_key) INTO overtaken FROM replaced AS r;
        IF overtaken IS NOT NULL THEN
            INSERT INTO leftovers (collection, document_id, chunk_ids, blob_keys)
            VALUES (into_collection, doc.id, '{}', overtaken);
        END IF;
        -- A title that was given stays until another is given.
        UPDATE documents AS d
        SET latest_version = doc.latest_version + 1, updated_at = now(), title = coalesce(given_title, d.title),
            title_given = d.title_given OR given_title IS NOT NULL
        WHERE d.document_id = doc.id;
        INSERT INTO document_versions (
            document_id, version, sha256, size_bytes, media_type, blob_key, uploader_id, status
        )
        VALUES (
            doc.id, doc.latest_version + 1, bytes_sha256, bytes_count, bytes_type, bytes_sha256, uploader,
            CASE WHEN places > (
                SELECT count(*) FROM document_versions AS w
                WHERE w.uploader_id = uploader AND w.status IN ('uploaded', 'parsing', 'chunking', 'embedding')
            ) THEN 'uploaded' ELSE 'queued' END
        );
    END IF;

    RETURN QUERY
    SELECT is_new, d.document_id, d.owner_id, d.collection, d.file_name, d.title, d.current_version, v.version,
           v.status, v.media_type, v.size_bytes, v.progress_done, v.progress_total, v.failure_code, v.failure_message,
           d.created_at, greatest(d.updated_at, v.updated_at)
    FROM documents AS d
    JOIN document_versions AS v ON v.document_id = d.document_id AND v.version = d.latest_version
    WHERE d.document_id = doc.id;
END
$$;

-- Makes a version searchable as a whole. A long one comes in pieces, each a call, all in one transaction: the first
-- decides whether it may be swapped in and takes away what it replaces, the last makes it what questions find and lets
-- as many of its owner's queued versions begin as there are places.
--   outcome   `swapped`; `piece`: more are to come; `done`: it was searchable already; `stopped`: its document was
--             deleted, a newer version has overtaken it, it was cancelled, or is tried anew; `lost`: a chunk that was
--             to be kept has gone, and nothing has changed
--   leftover  what may be removed after the commit
--   opened    [document, version, generation, collection] of what begins now
CREATE FUNCTION swap_in_v1(
    doc uuid, ver integer, gen integer, own_title text, spoken text, total integer, places integer,
    kept uuid[], first_ordinal integer, ids uuid[], texts text[], pages integer[], headings text[],
    starts integer[], ends integer[], spots text[], hashes bytea[], contexts text[]
)
RETURNS TABLE (outcome text, leftover_id bigint, chunk_ids uuid[], blob_keys text[], opened jsonb)
LANGUAGE plpgsql VOLATILE
AS $$
#variable_conflict use_column
DECLARE
    found record;
    gone uuid[];
    old_blobs text[];
BEGIN
    SELECT d.collection, d.current_version, v.status, v.generation, v.blob_key, v.uploader_id INTO found
    FROM documents AS d JOIN document_versions AS v ON v.document_id = d.document_id
    WHERE d.document_id = doc AND v.version = ver FOR UPDATE;
    IF found IS NULL THEN
        outcome := 'stopped';
        RETURN NEXT;
        RETURN;
    END IF;

    IF first_ordinal = 0 THEN
        IF found.current_version = ver THEN
            outcome := 'done';
        ELSIF found.current_version > ver THEN
            outcome := 'stopped';
            UPDATE document_versions AS v SET status = 'replaced', updated_at = now()
            WHERE v.document_id = doc AND v.version = ver;
            -- With what this work has written go its bytes.
            UPDATE leftovers AS l SET blob_keys = ARRAY[found.blob_key]
            WHERE l.document_id = doc AND l.version = ver AND l.generation = gen;
        ELSIF (found.generation, found.status) <> (gen, 'embedding') THEN
            outcome := 'stopped';
        ELSIF cardinality(kept) <> (
            SELECT count(*) FROM chunks AS c
            WHERE c.document_id = doc AND c.version <> ver AND c.chunk_id = ANY (kept)
        ) THEN
            outcome := 'lost';
        END IF;
        IF outcome IS NOT NULL THEN
            RETURN NEXT;
            RETURN;
        END IF;
        IF ver > 1 THEN
            WITH forgotten AS (
                DELETE FROM chunks AS c WHERE c.document_id = doc AND c.version <> ver RETURNING c.chunk_id
            )
            SELECT array_agg(f.chunk_id) FILTER (WHERE f.chunk_id <> ALL (kept)) INTO gone FROM forgotten AS f;
            WITH replaced AS (
                UPDATE document_versions AS v SET status = 'replaced', updated_at = now()
                WHERE v.document_id = doc AND v.version < ver AND v.status IN ('searchable', 'failed')
                RETURNING v.blob_key
            )
            SELECT array_agg(r.blob_key) FILTER (WHERE r.blob_key <> found.blob_key) INTO old_blobs
            FROM replaced AS r;
            IF gone IS NOT NULL OR old_blobs IS NOT NULL THEN
                INSERT INTO leftovers AS l (collection, document_id, chunk_ids, blob_keys)
                VALUES (found.collection, doc, coalesce(gone, '{}'), coalesce(old_blobs, '{}'))
                RETURNING l.leftover_id, l.chunk_ids, l.blob_keys INTO leftover_id, chunk_ids, blob_keys;
            END IF;
        END IF;
    END IF;

    INSERT INTO chunks (
        chunk_id, document_id, version, ordinal, collection, text, page, heading, start_char, end_char, place,
        content_hash, language, context
    )
    SELECT u.id, doc, ver, first_ordinal + u.n - 1, found.collection, u.body, u.page,
           string_to_array(u.heading, E'\x1f'), u.start_at, u.end_at, u.spot::jsonb, u.hash, spoken, u.context
    FROM unnest(ids, texts, pages, headings, starts, ends, spots, hashes, contexts) WITH ORDINALITY
         AS u (id, body, page, heading, start_at, end_at, spot, hash, context, n);

    IF first_ordinal + cardinality(ids) < total THEN
        outcome := 'piece';
        RETURN NEXT;
        RETURN;
    END IF;
    outcome := 'swapped';
    UPDATE document_versions AS v
    SET status = 'searchable', progress_done = total, progress_total = total, failure_code = NULL,
        failure_message = NULL, updated_at = now()
    WHERE v.document_id = doc AND v.version = ver;
    DELETE FROM leftovers AS l WHERE l.document_id = doc AND l.version = ver AND l.generation = gen;
    UPDATE documents AS d
    SET current_version = ver, updated_at = now(),
        title = CASE WHEN d.title_given THEN d.title ELSE coalesce(own_title, d.title) END
    WHERE d.document_id = doc;
    SELECT jsonb_agg(jsonb_build_array(o.document_id, o.version, o.generation, o.collection)) INTO opened
    FROM open_queued_versions_v1(found.uploader_id, places) AS o;
    -- What all who write to the collection wait for comes last.
    INSERT INTO knowledge_versions AS k (collection, version) VALUES (found.collection, 1)
    ON CONFLICT (collection) DO UPDATE SET version = k.version + 1;
    RETURN NEXT;
END
$$;
