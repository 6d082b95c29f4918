-- A deleted session keeps what was said in it for a while, so that its owner can take that back.

ALTER TABLE chat_sessions
    ADD COLUMN purged_at timestamptz,             -- from here on it is a tombstone, without messages or title
    ADD CHECK (purged_at IS NULL OR deleted_at IS NOT NULL);

UPDATE chat_sessions SET purged_at = deleted_at WHERE deleted_at IS NOT NULL;

-- What is to be forgotten next.
CREATE INDEX chat_sessions_to_purge ON chat_sessions (deleted_at) WHERE deleted_at IS NOT NULL AND purged_at IS NULL;
