-- The SQLite migration of the same number differs in types only.

-- When the user last gave the password in this session; NULL: never.
ALTER TABLE session ADD COLUMN confirmed_at BIGINT;
-- 1: the password was right, and the code of the second factor is missing.
ALTER TABLE session ADD COLUMN needs_code BIGINT NOT NULL DEFAULT 0;

-- The browsers in which a user has signed in: others' wrong guesses don't slow them down.
CREATE TABLE known_browser (
    hash BYTEA NOT NULL,            -- SHA-256; the cookie itself is not kept
    owner BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    seen_at BIGINT NOT NULL,
    PRIMARY KEY (owner, hash)
);

-- The key of a user's authenticator app.
CREATE TABLE second_factor (
    owner BIGINT PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    secret TEXT NOT NULL,         -- encrypted
    is_on BIGINT NOT NULL,       -- 0: being set up
    -- The time step of the last code that was used: no code of this step or before works again.
    last_step BIGINT NOT NULL
);

-- Codes that stand in for the app, once each.
CREATE TABLE recovery_code (
    owner BIGINT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    hash BYTEA NOT NULL,            -- SHA-256; the code itself is not kept
    PRIMARY KEY (owner, hash)
);

-- People who were invited and have not chosen a password yet.
CREATE TABLE invite (
    email TEXT PRIMARY KEY,       -- in lower case
    hash BYTEA NOT NULL UNIQUE,     -- SHA-256; the link itself is not kept
    role TEXT NOT NULL,
    invited_by TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
