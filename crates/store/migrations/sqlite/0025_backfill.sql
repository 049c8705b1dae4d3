-- The PostgreSQL migration of the same number differs in types only.

-- Reading the leads that a source account has, and syncing them. A page is what is read next; NULL once
-- all were read.
CREATE TABLE backfill (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    connector INTEGER NOT NULL REFERENCES connector (id) ON DELETE CASCADE,
    begun_at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    what TEXT NOT NULL,
    state TEXT NOT NULL,
    page INTEGER,
    leads INTEGER NOT NULL,
    left_out INTEGER NOT NULL,
    records INTEGER NOT NULL,
    expected INTEGER,
    problem TEXT,
    ended_at INTEGER
) STRICT;
CREATE INDEX backfill_connector ON backfill (connector, id);
-- One at a time.
CREATE UNIQUE INDEX backfill_under_way ON backfill (connector)
    WHERE state IN ('running', 'paused');

-- The backfill that read a request's leads.
ALTER TABLE request ADD COLUMN backfill INTEGER;
CREATE INDEX request_backfill ON request (backfill) WHERE backfill IS NOT NULL;
