-- The PostgreSQL migration of the same number differs in types only.

-- The audit log is filtered by each of these, newest first.
CREATE INDEX audit_actor ON audit (actor, id);
CREATE INDEX audit_action ON audit (action, id);
CREATE INDEX audit_subject ON audit (subject, id);

-- Users of LeadSquared accounts have sessions too. Whoever was signed in signs in again.
DROP TABLE session;
CREATE TABLE session (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    hash BLOB NOT NULL UNIQUE,   -- SHA-256; the cookie itself is not kept
    owner INTEGER REFERENCES users (id) ON DELETE CASCADE,  -- a user of ours, or
    email TEXT,                   -- the address of a user of LeadSquared accounts
    made_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,     -- to some minutes
    expires_at INTEGER NOT NULL,
    agent TEXT NOT NULL,
    CHECK ((owner IS NULL) <> (email IS NULL))
) STRICT;
CREATE INDEX session_owner ON session (owner, seen_at);
CREATE INDEX session_email ON session (email, seen_at);

-- Links by which users of LeadSquared accounts sign in, once each.
CREATE TABLE sign_in_link (
    hash BLOB PRIMARY KEY,        -- SHA-256; the link itself is not kept
    email TEXT NOT NULL,
    made_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sign_in_link_email ON sign_in_link (email);

-- What an account last said of one of its users.
CREATE TABLE account_user (
    account INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    email TEXT NOT NULL,          -- lower case
    asked_at INTEGER NOT NULL,
    told TEXT,                    -- JSON: role, active, fields; NULL: it has no such user
    PRIMARY KEY (account, email)
) STRICT;

-- 1: what the mail says is a secret, shown to nobody and forgotten once it is sent.
ALTER TABLE mail ADD COLUMN private INTEGER NOT NULL DEFAULT 0;
