-- The PostgreSQL migration of the same number differs in types only.

-- When the user last gave the password in this session; NULL: never.
ALTER TABLE session ADD COLUMN confirmed_at INTEGER;
-- 1: the password was right, and the code of the second factor is missing.
ALTER TABLE session ADD COLUMN needs_code INTEGER NOT NULL DEFAULT 0;

-- The browsers in which a user has signed in: others' wrong guesses don't slow them down.
CREATE TABLE known_browser (
    hash BLOB NOT NULL,            -- SHA-256; the cookie itself is not kept
    owner INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    seen_at INTEGER NOT NULL,
    PRIMARY KEY (owner, hash)
) STRICT;

-- The key of a user's authenticator app.
CREATE TABLE second_factor (
    owner INTEGER PRIMARY KEY REFERENCES users (id) ON DELETE CASCADE,
    secret TEXT NOT NULL,         -- encrypted
    is_on INTEGER NOT NULL,       -- 0: being set up
    -- The time step of the last code that was used: no code of this step or before works again.
    last_step INTEGER NOT NULL
) STRICT;

-- Codes that stand in for the app, once each.
CREATE TABLE recovery_code (
    owner INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    hash BLOB NOT NULL,            -- SHA-256; the code itself is not kept
    PRIMARY KEY (owner, hash)
) STRICT;

-- People who were invited and have not chosen a password yet.
CREATE TABLE invite (
    email TEXT PRIMARY KEY,       -- in lower case
    hash BLOB NOT NULL UNIQUE,     -- SHA-256; the link itself is not kept
    role TEXT NOT NULL,
    invited_by TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
