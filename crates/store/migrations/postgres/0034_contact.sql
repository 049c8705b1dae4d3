-- The SQLite migration of the same number differs in types only.

-- When an account last responded, and since when it no longer does or refuses its keys.
CREATE TABLE contact (
    account BIGINT NOT NULL PRIMARY KEY,
    responded_at BIGINT,
    closed_at BIGINT,            -- NULL: it responds
    problem TEXT             -- JSON: why it is closed
);

-- As `tally`, in steps of five minutes, and for the last hours only.
CREATE TABLE tally_recent (
    slot BIGINT NOT NULL,        -- of arrival (five minutes, counted from 1970)
    connector BIGINT NOT NULL,
    event TEXT NOT NULL,
    lag BIGINT NOT NULL,         -- as in `tally`
    records BIGINT NOT NULL,
    PRIMARY KEY (slot, connector, event, lag)
);
