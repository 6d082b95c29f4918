-- Users, their sessions, and the messages of each: the truth about every turn.

CREATE TABLE users (
    user_id      uuid PRIMARY KEY,                -- derived from the token's issuer and subject
    is_guest     boolean NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    last_seen_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE chat_sessions (
    session_id uuid PRIMARY KEY,
    user_id    uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    title      text NOT NULL CHECK (char_length(title) <= 200),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(), -- when a turn was last asked or ended; a new title is no activity
    deleted_at timestamptz                         -- a tombstone, without messages or title: a late event must not
                                                   -- bring the session back
);

-- Lists of a user's sessions, latest first, and the cascade from users.
CREATE INDEX chat_sessions_recent ON chat_sessions (user_id, updated_at DESC, session_id DESC);

CREATE TABLE chat_messages (
    message_id     uuid PRIMARY KEY,              -- derived from session, principal and the client's message id
    session_id     uuid NOT NULL REFERENCES chat_sessions ON DELETE CASCADE,
    position       integer NOT NULL CHECK (position >= 1),
    role           text NOT NULL CHECK (role IN ('user', 'assistant')),
    content        text NOT NULL DEFAULT '',
    created_at     timestamptz NOT NULL DEFAULT now(),

    -- What follows is an answer's.
    status         text CHECK (status IN ('queued', 'opened', 'completed', 'cancelled', 'failed')),
    failure        text,                          -- a stable snake_case reason
    citations      jsonb NOT NULL DEFAULT '[]',
    model          text,
    usage          jsonb,
    timings        jsonb,
    digest         text,                          -- hex SHA-256 of the content in UTF-8
    groups         text[],                        -- the asker's, for opening a queued turn later
    asked_by       uuid,                          -- the event that stored the turn
    opened_by      uuid,                          -- the event that opened it; null when the sweeper did
    opened_at      timestamptz,                   -- when it was last opened: the sweeper may do so again
    reopened_count integer NOT NULL DEFAULT 0,
    completed_at   timestamptz,                   -- when it ended, in whatever way

    UNIQUE (session_id, position),                -- the order of a session, and the key of its pages
    CHECK ((role = 'user') = (position % 2 = 1)), -- a question and its answer stand side by side
    CHECK ((role = 'assistant') = (status IS NOT NULL)),
    CHECK ((role = 'assistant') = (asked_by IS NOT NULL)),
    CHECK ((status IS NOT DISTINCT FROM 'failed') = (failure IS NOT NULL)),
    CHECK (coalesce(status IN ('completed', 'cancelled', 'failed'), false) = (completed_at IS NOT NULL)),
    CHECK ((completed_at IS NOT NULL) = (digest IS NOT NULL)),
    CHECK (status IS DISTINCT FROM 'opened' OR opened_at IS NOT NULL)
);

-- One answer at a time per session, whatever a process believes.
CREATE UNIQUE INDEX chat_messages_one_opened ON chat_messages (session_id) WHERE status = 'opened';

-- The earliest unfinished turn of a session.
CREATE INDEX chat_messages_unfinished ON chat_messages (session_id, position) WHERE status IN ('queued', 'opened');

-- What the sweeper looks at: turns opened long ago, and queued ones.
CREATE INDEX chat_messages_opened ON chat_messages (opened_at) WHERE status = 'opened';
CREATE INDEX chat_messages_queued ON chat_messages (session_id) WHERE status = 'queued';
