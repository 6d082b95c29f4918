-- Links to what a session was at a moment.

CREATE TABLE shares (
    share_id        uuid PRIMARY KEY,
    session_id      uuid NOT NULL REFERENCES chat_sessions ON DELETE CASCADE, -- whoever owns it owns the share
    token           text NOT NULL UNIQUE,         -- whoever has it may look, so nobody can guess it
    title           text NOT NULL,                -- the session's, as it was
    up_to           integer NOT NULL CHECK (up_to >= 2), -- the position of the last message that is shown
    idempotency_key text,
    created_at      timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE (session_id, idempotency_key)
);
