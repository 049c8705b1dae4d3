-- The SQLite migration of the same number differs in types only.

-- What the database knows of itself: the fingerprint of its key file, when it was last backed up,
-- and when it was restored.
CREATE TABLE mark (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
