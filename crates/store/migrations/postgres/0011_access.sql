-- The audit log is filtered by each of these, newest first.
CREATE INDEX audit_actor ON audit (actor, id);
CREATE INDEX audit_action ON audit (action, id);
CREATE INDEX audit_subject ON audit (subject, id);

-- Users of LeadSquared accounts have sessions too. Whoever was signed in signs in again.
DROP TABLE session;
CREATE TABLE session (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hash BYTEA NOT NULL UNIQUE,   -- SHA-256; the cookie itself is not kept
    owner BIGINT REFERENCES users (id) ON DELETE CASCADE,  -- a user of ours, or
    email TEXT,                   -- the address of a user of LeadSquared accounts
    made_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,     -- to some minutes
    expires_at BIGINT NOT NULL,
    agent TEXT NOT NULL,
    CHECK ((owner IS NULL) <> (email IS NULL))
);
CREATE INDEX session_owner ON session (owner, seen_at);
CREATE INDEX session_email ON session (email, seen_at);

-- Links by which users of LeadSquared accounts sign in, once each.
CREATE TABLE sign_in_link (
    hash BYTEA PRIMARY KEY,        -- SHA-256; the link itself is not kept
    email TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE INDEX sign_in_link_email ON sign_in_link (email);

-- What an account last said of one of its users.
CREATE TABLE account_user (
    account BIGINT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    email TEXT NOT NULL,          -- lower case
    asked_at BIGINT NOT NULL,
    told TEXT,                    -- JSON: role, active, fields; NULL: it has no such user
    PRIMARY KEY (account, email)
);

-- 1: what the mail says is a secret, shown to nobody and forgotten once it is sent.
ALTER TABLE mail ADD COLUMN private BIGINT NOT NULL DEFAULT 0;
