-- The SQLite migration of the same number differs in types only.

-- What answers of an account showed about it, by the key of the trait.
CREATE TABLE trait (
    account BIGINT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    seen_at BIGINT NOT NULL,
    PRIMARY KEY (account, name)
);
