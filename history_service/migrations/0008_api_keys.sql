-- API keys: programs ask in the name of an account (ADR 30).

CREATE TABLE api_keys (
    key_id           uuid PRIMARY KEY,
    user_id          uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    name             text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 100),
    digest           bytea NOT NULL UNIQUE CHECK (octet_length(digest) = 32), -- SHA-256 of the secret, which nobody keeps
    hint             text NOT NULL,                -- how the secret begins
    plan             text NOT NULL,                -- the name of one in PLANS
    scopes           text[] NOT NULL,
    budget_micro_usd bigint CHECK (budget_micro_usd >= 0), -- of a calendar month, in millionths of a US dollar
    created_at       timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at       timestamptz,
    revoked_at       timestamptz
);

-- An account's keys, latest first, and the cascade from users.
CREATE INDEX api_keys_of_user ON api_keys (user_id, created_at DESC, key_id DESC);

-- What the answers to each key's questions used, by the calendar month (UTC) in which they were stored.
CREATE TABLE key_usage (
    key_id         uuid NOT NULL REFERENCES api_keys ON DELETE CASCADE,
    month          date NOT NULL,
    answers        bigint NOT NULL,
    input_tokens   bigint NOT NULL,
    output_tokens  bigint NOT NULL,
    cost_micro_usd bigint NOT NULL,
    PRIMARY KEY (key_id, month)
);

-- With which key a turn was asked: one that waits is opened later, by somebody who has not seen its question's event.
CREATE TABLE asked_with (
    answer_id uuid PRIMARY KEY REFERENCES chat_messages ON DELETE CASCADE,
    key_id    uuid NOT NULL REFERENCES api_keys ON DELETE CASCADE,
    billed    boolean NOT NULL DEFAULT false       -- what its answer used is in key_usage
);

CREATE INDEX asked_with_key ON asked_with (key_id);

-- A key with what it may and what it has used in this month.
CREATE FUNCTION key_grants_v1(wanted uuid)
RETURNS TABLE (
    key_id uuid, user_id uuid, plan text, scopes text[], budget_micro_usd bigint, spent_micro_usd bigint, month text
)
LANGUAGE sql STABLE
AS $$
    SELECT k.key_id, k.user_id, k.plan, k.scopes, k.budget_micro_usd, coalesce(u.cost_micro_usd, 0),
           to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM')
    FROM api_keys k
    LEFT JOIN key_usage u
      ON u.key_id = k.key_id AND u.month = date_trunc('month', now() AT TIME ZONE 'UTC')::date
    WHERE k.key_id = wanted
$$;

-- The contract with everyone who is asked with a key: who it speaks for, unless it was revoked or has expired. Evaluated
-- with the caller's statement, so a key that was revoked a moment ago does not hold in it.
CREATE FUNCTION api_key_v1(wanted bytea)
RETURNS TABLE (
    key_id uuid, user_id uuid, plan text, scopes text[], budget_micro_usd bigint, spent_micro_usd bigint, month text
)
LANGUAGE sql STABLE
AS $$
    SELECT g.key_id, g.user_id, g.plan, g.scopes, g.budget_micro_usd, g.spent_micro_usd, g.month
    FROM api_keys k, key_grants_v1(k.key_id) g
    WHERE k.digest = wanted AND k.revoked_at IS NULL AND (k.expires_at IS NULL OR k.expires_at > now())
$$;
