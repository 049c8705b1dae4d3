-- The SQLite migration of the same number differs in types only.

-- Filters of the log that people saved, each their own: the owner is an email address.
CREATE TABLE saved_view (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    query TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    UNIQUE (owner, name)
);
