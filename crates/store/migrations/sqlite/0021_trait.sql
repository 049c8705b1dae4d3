-- The PostgreSQL migration of the same number differs in types only.

-- What answers of an account showed about it, by the key of the trait.
CREATE TABLE trait (
    account INTEGER NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    seen_at INTEGER NOT NULL,
    PRIMARY KEY (account, name)
) STRICT, WITHOUT ROWID;
