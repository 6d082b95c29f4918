-- A question may be asked at a place that has one already: its session then has branches, and one of them is shown.

ALTER TABLE chat_messages
    ADD COLUMN after integer;                     -- of a question that follows another message than the one before it
                                                  -- in the session's order: that one's position, 0 for none

ALTER TABLE chat_messages
    ADD CONSTRAINT chat_messages_after_check CHECK (
        after IS NULL OR (role = 'user' AND after >= 0 AND after % 2 = 0 AND after < position - 1)
    ) NOT VALID;                                  -- no row has one yet

ALTER TABLE chat_sessions
    ADD COLUMN active_position integer;           -- the last message of the branch that is shown; null: the latest one
