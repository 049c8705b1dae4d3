-- The SQLite migration of the same number differs in types only.

-- People who may sign in.
CREATE TABLE users (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    email TEXT NOT NULL UNIQUE,   -- in small letters
    role TEXT NOT NULL,
    password TEXT NOT NULL,       -- argon2id, as a PHC string
    made_at BIGINT NOT NULL
);

-- What scripts show to the API.
CREATE TABLE api_token (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    owner BIGINT REFERENCES users (id) ON DELETE CASCADE,  -- NULL: nobody's
    scope TEXT NOT NULL,
    hash BYTEA NOT NULL UNIQUE,    -- SHA-256; the token itself is not kept
    made_at BIGINT NOT NULL,
    expires_at BIGINT,                -- NULL: never
    last_used_at BIGINT               -- to the day
);
