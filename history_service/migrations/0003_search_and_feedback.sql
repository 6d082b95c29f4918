-- Search over one's own messages, and what people think of answers.

-- Words as they are written, and as English inflects them: a query finds either. The text is cut far above what a
-- message has, so that no message can be too long to be stored. Without an index: a search looks through one user's
-- messages, which `chat_messages (session_id, position)` finds; an index over everybody's words would cost every
-- answer and find common words in everybody's messages first.
ALTER TABLE chat_messages ADD COLUMN lexemes tsvector GENERATED ALWAYS AS (
    to_tsvector('pg_catalog.simple', left(content, 200000)) || to_tsvector('pg_catalog.english', left(content, 200000))
) STORED;

ALTER TABLE chat_messages
    ADD COLUMN rating text CHECK (rating IN ('up', 'down')),
    ADD COLUMN rating_reason text CHECK (char_length(rating_reason) <= 2000),
    ADD COLUMN rated_at timestamptz,
    ADD CHECK ((rating IS NULL) = (rated_at IS NULL)),
    ADD CHECK (rating_reason IS NULL OR rating IS NOT NULL),
    ADD CHECK (rating IS NULL OR completed_at IS NOT NULL);
