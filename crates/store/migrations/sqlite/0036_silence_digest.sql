-- The PostgreSQL migration of the same number differs in types and in its clock only.

-- When webhooks of a connector arrive, for the alert when none do.
CREATE TABLE arrival (
    connector INTEGER PRIMARY KEY REFERENCES connector (id) ON DELETE CASCADE,
    last_at INTEGER,              -- the last webhook, to a minute; NULL: none was noted yet
    -- From when on the hours without a webhook count: the connector was enabled, or their number changed.
    since INTEGER NOT NULL
) STRICT;
INSERT INTO arrival (connector, since) SELECT id, CAST(unixepoch('subsec') * 1000 AS INTEGER) FROM connector;

-- Whether an address gets alerts at once (1), and its digest. An address gets at least one of them.
ALTER TABLE alert ADD COLUMN at_once INTEGER NOT NULL DEFAULT 1;
ALTER TABLE alert ADD COLUMN digest TEXT;           -- daily or weekly; NULL: none
ALTER TABLE alert ADD COLUMN digest_hour INTEGER;
ALTER TABLE alert ADD COLUMN digest_since INTEGER;  -- since when it is wanted
ALTER TABLE alert ADD COLUMN digest_sent INTEGER;   -- when the last one was due; NULL: none was sent yet
