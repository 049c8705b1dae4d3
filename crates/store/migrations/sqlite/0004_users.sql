-- The PostgreSQL migration of the same number differs in types only.

-- People who may sign in.
CREATE TABLE users (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    email TEXT NOT NULL UNIQUE,   -- in small letters
    role TEXT NOT NULL,
    password TEXT NOT NULL,       -- argon2id, as a PHC string
    made_at INTEGER NOT NULL
) STRICT;

-- What scripts show to the API.
CREATE TABLE api_token (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    owner INTEGER REFERENCES users (id) ON DELETE CASCADE,  -- NULL: nobody's
    scope TEXT NOT NULL,
    hash BLOB NOT NULL UNIQUE,    -- SHA-256; the token itself is not kept
    made_at INTEGER NOT NULL,
    expires_at INTEGER,                -- NULL: never
    last_used_at INTEGER               -- to the day
) STRICT;
