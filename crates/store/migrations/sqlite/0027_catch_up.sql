-- The PostgreSQL migration of the same number differs in types only.

-- What the sweep of a connector's source has read: everything that was modified before begun_at.
CREATE TABLE sweep (
    connector INTEGER PRIMARY KEY REFERENCES connector (id) ON DELETE CASCADE,
    begun_at INTEGER,
    ended_at INTEGER,
    rounds INTEGER NOT NULL,
    found INTEGER NOT NULL,
    last_found INTEGER NOT NULL,
    asked_at INTEGER,
    -- So many changes were found, and wait until a person confirms them.
    held INTEGER,
    confirmed INTEGER NOT NULL,
    problem TEXT,
    -- Whether people were notified that changes are held.
    notified INTEGER NOT NULL DEFAULT 1
) STRICT;

-- How far a connector's accounts agree.
CREATE TABLE parity (
    connector INTEGER PRIMARY KEY REFERENCES connector (id) ON DELETE CASCADE,
    asked_at INTEGER,
    leads INTEGER NOT NULL,
    ended_at INTEGER,
    result TEXT,
    problem TEXT,
    -- The result before, where fewer leads agree now and nobody was notified.
    fell_from TEXT
) STRICT;

-- The leads that differed when the accounts were compared last.
CREATE TABLE parity_lead (
    connector INTEGER NOT NULL REFERENCES connector (id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    apart TEXT NOT NULL,
    what TEXT NOT NULL,
    -- The request that a person had made of it.
    request INTEGER,
    PRIMARY KEY (connector, number)
) STRICT, WITHOUT ROWID;
CREATE INDEX parity_lead_apart ON parity_lead (connector, apart, number);

-- The type of the activities that a backfill reads; NULL while it reads leads. And how many it read.
ALTER TABLE backfill ADD COLUMN event INTEGER;
ALTER TABLE backfill ADD COLUMN activities INTEGER NOT NULL DEFAULT 0;
