-- The PostgreSQL migration of the same number differs in types only.

-- Who is signed in, in which browser.
CREATE TABLE session (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    hash BLOB NOT NULL UNIQUE,   -- SHA-256; the cookie itself is not kept
    owner INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    made_at INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,       -- to some minutes
    expires_at INTEGER NOT NULL,
    agent TEXT NOT NULL
) STRICT;
CREATE INDEX session_owner ON session (owner, seen_at);
