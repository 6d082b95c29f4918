-- What of a chunk's place only some formats have: slide, sheet and rows, the offsets at which its later pages begin,
-- the header line of the table it goes on in. Null where there is nothing of it.
ALTER TABLE chunks ADD COLUMN place jsonb;

CREATE OR REPLACE VIEW searchable_chunks_v1 AS
SELECT c.chunk_id, c.document_id, c.version, d.collection, d.title, v.media_type,
       c.page, c.heading, c.start_char, c.end_char, c.text, c.place
FROM chunks c
JOIN documents d ON d.document_id = c.document_id AND d.current_version = c.version
JOIN document_versions v ON v.document_id = c.document_id AND v.version = c.version;
