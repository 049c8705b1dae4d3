-- The SQLite migration of the same number differs in types only.

-- Records counted as they are kept, so that nobody counts the records themselves. Each row says how
-- many records with these very values there are: one that fails and then succeeds moves.
CREATE TABLE tally (
    hour BIGINT NOT NULL,        -- of arrival (UTC, hours since 1970)
    connector BIGINT NOT NULL,
    event TEXT NOT NULL,
    lag BIGINT NOT NULL,         -- the class of a written record's lag; 0: nothing was written
    cause TEXT NOT NULL,          -- of a failure; else empty
    records BIGINT NOT NULL,
    PRIMARY KEY (hour, connector, event, lag, cause)
);

-- When a record of each event was last kept.
CREATE TABLE latest (
    connector BIGINT NOT NULL,
    event TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (connector, event)
);

ALTER TABLE record ADD COLUMN lag BIGINT NOT NULL DEFAULT 0;  -- as in `tally`

-- What is there already; its lag is not known. A Request ID begins with the time of arrival, in
-- milliseconds since 2024.
INSERT INTO tally (hour, connector, event, lag, cause, records)
SELECT ((request / 4194304) + 1704067200000) / 3600000, connector, event, 0, coalesce(cause, ''), count(*)
FROM record GROUP BY 1, 2, 3, 5;
INSERT INTO latest (connector, event, at)
SELECT r.connector, a.event, max(a.at)
FROM attempt a JOIN record r ON r.request = a.request AND r.position = a.position GROUP BY 1, 2;

-- The newest failure of a cause is its example.
DROP INDEX record_cause;
CREATE INDEX record_cause ON record (connector, cause, request) WHERE sync_status = 'error';
