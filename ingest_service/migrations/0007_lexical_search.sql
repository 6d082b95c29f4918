-- Full text search beside the vectors: what retrieval joins with the nearest chunks (ADR 0026).

-- By the name of the configuration, not as `regconfig`: a column of that type cannot be upgraded by pg_upgrade. To
-- PostgreSQL it is immutable as long as nobody alters the built-in configurations.
CREATE FUNCTION lexemes_v1(language text, body text) RETURNS tsvector
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
AS $$ SELECT to_tsvector(('pg_catalog.' || language)::regconfig, body) $$;

ALTER TABLE chunks
    ADD COLUMN language text NOT NULL DEFAULT 'simple',  -- a configuration of PostgreSQL's full text search
    ADD COLUMN context text NOT NULL DEFAULT '';         -- title and headings, found as the text is

UPDATE chunks AS c SET context = concat_ws(' ', d.title, array_to_string(c.heading, ' '))
FROM documents AS d WHERE d.document_id = c.document_id;

ALTER TABLE chunks
    ADD COLUMN lexemes tsvector GENERATED ALWAYS AS (lexemes_v1(language, context || ' ' || text)) STORED;
-- Every candidate is weighed, term by term: neither unpacked nor fetched from elsewhere each time.
ALTER TABLE chunks ALTER COLUMN lexemes SET STORAGE EXTERNAL;
ALTER TABLE chunks SET (toast_tuple_target = 8160);

-- New chunks wait in a list that every search reads to its end, so it is short; without it each costs more to write.
CREATE INDEX chunks_by_lexeme ON chunks USING gin (lexemes) WITH (gin_pending_list_limit = 256);

-- How much text there is: what the weights of words are taken from. Kept by the triggers below, whoever writes chunks.
CREATE TABLE lexical_sizes (
    collection text NOT NULL,
    language   text NOT NULL,
    chunks     bigint NOT NULL,
    words      bigint NOT NULL,                          -- different lexemes of each chunk, added up
    PRIMARY KEY (collection, language)
);

INSERT INTO lexical_sizes
SELECT collection, language, count(*), sum(length(lexemes)) FROM chunks GROUP BY collection, language;

-- Both forms lock the rows in one order, so that two writers wait for each other and neither for ever.
CREATE FUNCTION add_lexical_sizes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO lexical_sizes AS s
    SELECT collection, language, count(*), sum(length(lexemes)) FROM added GROUP BY collection, language ORDER BY 1, 2
    ON CONFLICT (collection, language)
    DO UPDATE SET chunks = s.chunks + EXCLUDED.chunks, words = s.words + EXCLUDED.words;
    RETURN NULL;
END
$$;
CREATE FUNCTION take_lexical_sizes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO lexical_sizes AS s
    SELECT collection, language, -count(*), -sum(length(lexemes)) FROM gone GROUP BY collection, language ORDER BY 1, 2
    ON CONFLICT (collection, language)
    DO UPDATE SET chunks = s.chunks + EXCLUDED.chunks, words = s.words + EXCLUDED.words;
    RETURN NULL;
END
$$;
CREATE TRIGGER chunks_added AFTER INSERT ON chunks
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION add_lexical_sizes();
CREATE TRIGGER chunks_gone AFTER DELETE ON chunks
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION take_lexical_sizes();
CREATE TRIGGER chunks_changed_from AFTER UPDATE ON chunks
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION take_lexical_sizes();
CREATE TRIGGER chunks_changed_to AFTER UPDATE ON chunks
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION add_lexical_sizes();

-- The chunks whose words say most about the query's, by BM25 (k1 = 1.2, b = 0.75), best first, and which share of the
-- query's weight each covers, 0 to 1. The query is several texts, each with the share it has in the result; their words
-- are nothing but words, and any of them is enough.
--
-- A word's weight needs the number of chunks that have it. Counting those of a frequent word would cost more than the
-- search, so PostgreSQL's own statistics say how frequent it is; the others are counted while their chunks are weighed.
-- Words whose chunks would be too many are looked for together; at most three times `budget` chunks are ever weighed.
--
-- How often a word occurs in a chunk is read off `ts_rank`, which for one word is H(n) / (pi^2/6), H(n) being the sum
-- of 1/i^2 up to n; what is missing to pi^2/6 is 1 / (n + 1/2), to within 4 % for n = 1 and 1 % beyond.
CREATE FUNCTION lexical_search_v1(texts text[], shares double precision[], collections text[], top_k integer)
RETURNS TABLE (chunk_id uuid, score double precision, coverage double precision)
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    budget CONSTANT integer := 1000;
    max_words CONSTANT integer := 32;
    total double precision;
    mean_words double precision;
    elements text;
    frequencies real[];
    rarest double precision;
    tongues text[];
    tongue text;
    plan record;
    found text;
    parts text[] := '{}';
BEGIN
    SELECT array_agg(DISTINCT s.language) INTO tongues
    FROM lexical_sizes AS s WHERE s.collection = ANY (collections) AND s.words > 0;
    SELECT p.most_common_elems::text, p.most_common_elem_freqs INTO elements, frequencies
    FROM pg_stats AS p WHERE p.schemaname = current_schema AND p.tablename = 'chunks' AND p.attname = 'lexemes';

    -- Each language is a corpus of its own: how rare a word is in English, German texts do not say.
    FOREACH tongue IN ARRAY coalesce(tongues, '{}') LOOP
        SELECT sum(s.chunks), sum(s.words) / sum(s.chunks) INTO total, mean_words
        FROM lexical_sizes AS s WHERE s.collection = ANY (collections) AND s.language = tongue;
        -- The last two are the least frequency and the greatest.
        rarest := coalesce(frequencies[cardinality(frequencies) - 1], 0) * total / 2;
        WITH words AS (
            SELECT row_number() OVER (ORDER BY f.frequency NULLS FIRST, t.share DESC, length(t.lexeme) DESC, t.lexeme)
                   AS n,
                   '''' || replace(replace(t.lexeme, '\', '\\'), '''', '''''') || '''' AS quoted, f.frequency, t.share
            FROM (
                SELECT l.lexeme, sum(q.share) AS share
                FROM unnest(texts, shares) AS q (words, share),
                     unnest(tsvector_to_array(lexemes_v1(tongue, q.words))) AS l (lexeme)
                -- A text of no known language has no stop words of its own, but is among texts that have.
                WHERE tongue <> 'simple'
                   OR NOT EXISTS (SELECT FROM unnest(tongues) AS o (tongue) WHERE lexemes_v1(o.tongue, l.lexeme) = '')
                GROUP BY l.lexeme
            ) AS t
            LEFT JOIN unnest(elements::text[], frequencies) AS f (lexeme, frequency) ON f.lexeme = t.lexeme
        ), told AS (
            SELECT w.*, w.frequency IS NULL
                   OR sum(coalesce(w.frequency * total, rarest)) OVER (ORDER BY w.n) <= budget AS is_rare
            FROM words AS w WHERE w.n <= max_words
        ), chosen AS (
            -- How many chunks have all the frequent words before this one, were they independent of each other.
            SELECT t.*, total * coalesce(exp(sum(ln(t.frequency)) FILTER (WHERE NOT t.is_rare)
                   OVER (ORDER BY t.n ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)), 1) > budget AS is_needed
            FROM told AS t
        )
        SELECT
            string_agg(quoted, ' | ') FILTER (WHERE is_rare) AS rare,
            string_agg(quoted, ' & ') FILTER (WHERE NOT is_rare AND is_needed) AS frequent,
            string_agg(
                format('ts_rank(''{1,1,1,1}'', lexemes, %L)::double precision AS r%s', quoted, n), ', ') AS ranks,
            string_agg(CASE WHEN is_rare THEN format('count(*) FILTER (WHERE r%s > 0) AS d%s', n, n)
                ELSE format('%s::double precision AS d%s', frequency * total, n) END, ', ') AS counts,
            string_agg(format('%s * ln(1 + (%s::double precision - d%s + 0.5) / (d%s + 0.5)) AS w%s',
                share, total, n, n, n), ', ') AS weights,
            string_agg(format('CASE WHEN r%s > 0 THEN'
                ' w%s * 2.2 / (1 + k / (1 / (1.644934067 * (1 - r%s)) - 0.5)) ELSE 0 END', n, n, n), ' + ') AS scores,
            string_agg(format('CASE WHEN r%s > 0 THEN w%s ELSE 0 END', n, n), ' + ') AS covered,
            string_agg(format('w%s', n), ' + ') AS whole
        INTO plan FROM chosen;
        SELECT string_agg(
            format(
                '(SELECT chunk_id, 0.3 + 0.9 * length(lexemes) / %s::double precision AS k, %s
                  FROM chunks WHERE lexemes @@ %L AND collection = ANY ($1) AND language = %L LIMIT %s)',
                mean_words, plan.ranks, w.words, tongue, w.most),
            ' UNION ')
        INTO found FROM (VALUES (plan.rare, 2 * budget), (plan.frequent, budget)) AS w (words, most)
        WHERE w.words IS NOT NULL;
        CONTINUE WHEN found IS NULL;
        parts := parts || format(
            '(WITH found AS MATERIALIZED (%s),
                   counted AS (SELECT count(*), %s FROM found),
                   weighed AS MATERIALIZED (SELECT %s FROM counted)
              SELECT chunk_id, (%s)::double precision AS score, ((%s) / (%s))::double precision AS coverage
              FROM found, weighed ORDER BY 2 DESC, 1 LIMIT $2)',
            found, plan.counts, plan.weights, plan.scores, plan.covered, plan.whole);
    END LOOP;
    IF cardinality(parts) > 0 THEN
        RETURN QUERY EXECUTE
            format('SELECT * FROM (%s) AS best ORDER BY 2 DESC, 1 LIMIT $2', array_to_string(parts, ' UNION ALL '))
            USING collections, top_k;
    END IF;
END
$$;
