-- The search of pgvector's adapter. As a function it brings its own settings along, which as statements of their own
-- would cost a transaction and three round trips a search, and as settings of the session would be lost behind a
-- connection pooler.
--   ef_search, iterative_scan: without iterative scans the index gives its first `ef_search` neighbours and the filter
--   leaves what it leaves, down to nothing for a small collection.
-- Planned anew for each search, as EXECUTE does: only a plan that knows the collections sees that a small one is
-- cheaper by its own index (0.5 ms instead of 40 at 20,000 vectors). The expressions are those of the partial indexes.
CREATE FUNCTION nearest_chunks_v1(query real[], dimensions integer, collections text[], top_k integer)
RETURNS TABLE (chunk_id uuid, score double precision)
LANGUAGE plpgsql STABLE
SET hnsw.ef_search = 100
SET hnsw.iterative_scan = strict_order
AS $$
BEGIN
    RETURN QUERY EXECUTE format(
        'SELECT chunk_id, 1 - (embedding::halfvec(%1$s) <=> $1::halfvec(%1$s)) AS score
         FROM chunk_vectors
         WHERE collection = ANY ($2) AND vector_dims(embedding) = %1$s
         ORDER BY embedding::halfvec(%1$s) <=> $1::halfvec(%1$s)
         LIMIT $3',
        dimensions
    ) USING query, collections, top_k;
END
$$;
