-- The SQLite migration of the same number differs in types only.

-- Reading the leads that a source account has, and syncing them. A page is what is read next; NULL once
-- all were read.
CREATE TABLE backfill (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    connector BIGINT NOT NULL REFERENCES connector (id) ON DELETE CASCADE,
    begun_at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    what TEXT NOT NULL,
    state TEXT NOT NULL,
    page BIGINT,
    leads BIGINT NOT NULL,
    left_out BIGINT NOT NULL,
    records BIGINT NOT NULL,
    expected BIGINT,
    problem TEXT,
    ended_at BIGINT
);
CREATE INDEX backfill_connector ON backfill (connector, id);
-- One at a time.
CREATE UNIQUE INDEX backfill_under_way ON backfill (connector)
    WHERE state IN ('running', 'paused');

-- The backfill that read a request's leads.
ALTER TABLE request ADD COLUMN backfill BIGINT;
CREATE INDEX request_backfill ON request (backfill) WHERE backfill IS NOT NULL;
