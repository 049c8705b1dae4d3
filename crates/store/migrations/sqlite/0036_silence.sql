-- The PostgreSQL migration of the same number differs in types and in its clock only.

-- When webhooks of a connector arrive, for the alert when none do.
CREATE TABLE arrival (
    connector INTEGER PRIMARY KEY REFERENCES connector (id) ON DELETE CASCADE,
    last_at INTEGER,              -- the last webhook, to a minute; NULL: none was noted yet
    -- From when on the hours without a webhook count: the connector was enabled, or their number changed.
    since INTEGER NOT NULL
) STRICT;
INSERT INTO arrival (connector, since) SELECT id, CAST(unixepoch('subsec') * 1000 AS INTEGER) FROM connector;
