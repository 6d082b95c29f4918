-- outside a transaction
-- Where a session turns off: to find the way back from a message, and its siblings. Rows without branches are not in it.
DROP INDEX CONCURRENTLY IF EXISTS chat_messages_branches;
CREATE INDEX CONCURRENTLY IF NOT EXISTS chat_messages_branches ON chat_messages (session_id, position) INCLUDE (after)
    WHERE after IS NOT NULL;
