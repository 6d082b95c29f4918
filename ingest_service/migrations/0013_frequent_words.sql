-- The search for words with less work for frequent ones; all else is as in `lexical_search_v2`, whose file says how it works.
-- What asks v2 may still run beside this; a later migration drops it.
--
-- In much text most of a search went to words that nearly every chunk has: a thousand chunks that have all of them were
-- fetched and weighed beside those with a rare word, though none of them could come out before these.
CREATE FUNCTION lexical_search_v3(texts text[], shares double precision[], collections text[], top_k integer)
RETURNS TABLE (chunk_id uuid, score double precision, coverage double precision)
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
    budget CONSTANT integer := 1000;
    max_words CONSTANT integer := 32;
    corpus record;
    query record;
    is_little boolean;
    tongues text[];
    elements text[];
    frequencies real[];
    rarest double precision;
    through tsquery;
    by_index tsquery;
    by_index_too tsquery;
BEGIN
    FOR corpus IN
        SELECT s.language, sum(s.chunks)::double precision AS chunks,
               (sum(s.words) / sum(s.chunks))::double precision AS mean_words
        FROM lexical_sizes AS s WHERE s.collection = ANY (collections) AND s.words > 0 GROUP BY s.language
    LOOP
        is_little := corpus.chunks <= 2 * budget;
        IF NOT is_little AND elements IS NULL THEN
            SELECT p.most_common_elems::text::text[], p.most_common_elem_freqs INTO elements, frequencies
            FROM pg_stats AS p
            WHERE p.schemaname = current_schema AND p.tablename = 'chunks' AND p.attname = 'lexemes';
        END IF;
        IF corpus.language = 'simple' THEN
            -- A text of no known language has no stop words of its own, but is among texts that have.
            SELECT array_agg(DISTINCT s.language) INTO tongues
            FROM lexical_sizes AS s WHERE s.collection = ANY (collections) AND s.words > 0 AND s.language <> 'simple';
        ELSE
            tongues := NULL;
        END IF;
        -- The last two are the least frequency and the greatest.
        rarest := coalesce(frequencies[cardinality(frequencies) - 1], 0) * corpus.chunks / 2;

        WITH lexemes AS (
            SELECT l.lexeme, sum(q.share) AS share
            FROM unnest(texts, shares) AS q (words, share),
                 unnest(tsvector_to_array(lexemes_v1(corpus.language, q.words))) AS l (lexeme)
            WHERE NOT EXISTS (SELECT FROM unnest(tongues) AS o (tongue) WHERE lexemes_v1(o.tongue, l.lexeme) = '')
            GROUP BY l.lexeme
        ), words AS (
            SELECT row_number() OVER (ORDER BY f.frequency NULLS FIRST, l.share DESC, length(l.lexeme) DESC, l.lexeme)
                   AS n,
                   '''' || replace(replace(l.lexeme, '\', '\\'), '''', '''''') || '''' AS quoted, l.share,
                   f.frequency * corpus.chunks AS expected
            FROM lexemes AS l
            LEFT JOIN unnest(elements, frequencies) AS f (lexeme, frequency) ON f.lexeme = l.lexeme AND NOT is_little
        ), told AS (
            SELECT w.*, w.expected IS NULL OR sum(coalesce(w.expected, rarest)) OVER (ORDER BY w.n) <= budget AS is_rare,
                   w.share * ln(1 + (corpus.chunks - e.most + 0.5) / (e.most + 0.5)) AS least_weight
            FROM words AS w, LATERAL (SELECT coalesce(w.expected, 2 * rarest) AS most) AS e WHERE w.n <= max_words
        ), telling AS (
            -- Beside a rare word, one that nine of ten chunks have tells nothing, and would be looked for in each.
            SELECT t.* FROM (SELECT o.*, bool_or(o.is_rare) OVER () AS has_rare FROM told AS o) AS t
            WHERE t.is_rare OR NOT t.has_rare OR t.expected <= 0.9 * corpus.chunks
        ), chosen AS (
            -- How many chunks have all the frequent words before this one, were they independent of each other.
            SELECT t.*, corpus.chunks * coalesce(exp(sum(ln(t.expected / corpus.chunks)) FILTER (WHERE NOT t.is_rare)
                   OVER (ORDER BY t.n ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)), 1) > budget AS is_needed
            FROM telling AS t
        )
        SELECT
            (string_agg(quoted, ' | ') FILTER (WHERE is_rare))::tsquery AS rare,
            (string_agg(quoted, ' & ') FILTER (WHERE NOT is_rare AND is_needed))::tsquery AS frequent,
            exp(sum(ln(expected / corpus.chunks)) FILTER (WHERE NOT is_rare AND is_needed)) AS frequency,
            coalesce(sum(least_weight) FILTER (WHERE NOT is_rare)
                     <= min(least_weight) FILTER (WHERE is_rare) / 2, false) AS is_weak,
            array_agg(quoted::tsquery ORDER BY n) AS words,
            array_agg(share ORDER BY n) AS shares,
            array_agg(CASE WHEN is_rare THEN NULL ELSE expected END ORDER BY n) AS expected
        INTO query FROM chosen;
        CONTINUE WHEN query.words IS NULL;

        -- What goes through the documents, and what by the index. It first lists all chunks that have the words, so words
        -- that most chunks have are found sooner by looking until there are enough.
        through := CASE WHEN is_little THEN query.rare
                        WHEN query.frequency ^ 2 * corpus.chunks > budget THEN query.frequent END;
        by_index := CASE WHEN NOT is_little THEN query.rare END;
        by_index_too := CASE WHEN through IS NULL THEN query.frequent END;

        RETURN QUERY
        WITH rare AS (
            SELECT c.chunk_id, c.lexemes FROM chunks AS c
            WHERE c.lexemes @@ by_index AND c.collection = ANY (collections) AND c.language = corpus.language
            LIMIT 2 * budget
        ), found AS (
            -- Weak: all the frequent words together weigh half of a rare one, or less. What has nothing else would not be
            -- among the best, and is not looked for where rare words have found enough.
            -- `IS TRUE` and `IS NOT TRUE` keep the index out of it.
            (SELECT c.chunk_id, c.lexemes
             FROM documents AS d JOIN chunks AS c ON c.document_id = d.document_id
             WHERE through IS NOT NULL AND (NOT query.is_weak OR (SELECT count(*) FROM rare) < top_k)
               AND d.collection = ANY (collections) AND c.language = corpus.language
               AND (c.lexemes @@ through) IS TRUE AND (c.lexemes @@ by_index) IS NOT TRUE
             LIMIT CASE WHEN is_little THEN 2 * budget ELSE budget END)
            UNION ALL
            SELECT r.chunk_id, r.lexemes FROM rare AS r
            UNION ALL
            (SELECT c.chunk_id, c.lexemes FROM chunks AS c
             WHERE (NOT query.is_weak OR (SELECT count(*) FROM rare) < top_k)
               AND c.lexemes @@ by_index_too AND (c.lexemes @@ by_index) IS NOT TRUE
               AND c.collection = ANY (collections) AND c.language = corpus.language
             LIMIT budget)
        ), hits AS MATERIALIZED (
            -- `OFFSET 0`: the words are gone through for each chunk, never the chunks for each word.
            SELECT f.chunk_id, 0.3 + 0.9 * length(f.lexemes) / corpus.mean_words AS k, h.n, h.rank
            FROM found AS f, LATERAL (
                SELECT w.n, ts_rank('{1,1,1,1}', f.lexemes, w.word)::double precision AS rank
                FROM unnest(query.words) WITH ORDINALITY AS w (word, n)
                OFFSET 0
            ) AS h
            WHERE h.rank > 0
        ), weights AS (
            SELECT w.n, w.share * ln(1 + (corpus.chunks - d.chunks + 0.5) / (d.chunks + 0.5)) AS weight
            FROM unnest(query.shares, query.expected) WITH ORDINALITY AS w (share, expected, n)
            LEFT JOIN (SELECT h.n, count(*) AS counted FROM hits AS h GROUP BY h.n) AS s ON s.n = w.n,
            LATERAL (SELECT coalesce(w.expected, s.counted, 0) AS chunks) AS d
        )
        SELECT h.chunk_id,
               sum(w.weight * 2.2 / (1 + h.k / (1 / (1.644934067 * (1 - h.rank)) - 0.5))),
               sum(w.weight) / (SELECT sum(v.weight) FROM weights AS v)
        FROM hits AS h JOIN weights AS w USING (n)
        GROUP BY h.chunk_id
        ORDER BY 2 DESC, 1
        LIMIT top_k;
    END LOOP;
END
$$;
