-- The PostgreSQL migration of the same number differs in types only.

-- When an account last responded, and since when it no longer does or refuses its keys.
CREATE TABLE contact (
    account INTEGER NOT NULL PRIMARY KEY,
    responded_at INTEGER,
    closed_at INTEGER,            -- NULL: it responds
    problem TEXT             -- JSON: why it is closed
) STRICT, WITHOUT ROWID;

-- As `tally`, in steps of five minutes, and for the last hours only.
CREATE TABLE tally_recent (
    slot INTEGER NOT NULL,        -- of arrival (five minutes, counted from 1970)
    connector INTEGER NOT NULL,
    event TEXT NOT NULL,
    lag INTEGER NOT NULL,         -- as in `tally`
    records INTEGER NOT NULL,
    PRIMARY KEY (slot, connector, event, lag)
) STRICT, WITHOUT ROWID;
