-- A guest's sessions become an account's.

ALTER TABLE users
    ADD COLUMN claimed_by uuid,                   -- of a guest: whose account took its sessions, the last time
    ADD COLUMN claimed_at timestamptz,            -- when; what the guest had asked before belongs to the account too
    ADD CHECK ((claimed_by IS NULL) = (claimed_at IS NULL));

-- By the client's own id a question is known whoever sends it: ids of rows are derived from the sender as well.
ALTER TABLE chat_messages ADD COLUMN client_message_id text;
CREATE UNIQUE INDEX chat_messages_by_client_id ON chat_messages (session_id, client_message_id)
    WHERE client_message_id IS NOT NULL;
