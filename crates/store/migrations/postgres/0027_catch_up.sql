-- The SQLite migration of the same number differs in types only.

-- What the sweep of a connector's source has read: everything that was modified before begun_at.
CREATE TABLE sweep (
    connector BIGINT PRIMARY KEY REFERENCES connector (id) ON DELETE CASCADE,
    begun_at BIGINT,
    ended_at BIGINT,
    rounds BIGINT NOT NULL,
    found BIGINT NOT NULL,
    last_found BIGINT NOT NULL,
    asked_at BIGINT,
    -- So many changes were found, and wait until a person confirms them.
    held BIGINT,
    confirmed BIGINT NOT NULL,
    problem TEXT,
    -- Whether people were notified that changes are held.
    notified BIGINT NOT NULL DEFAULT 1
);

-- How far a connector's accounts agree.
CREATE TABLE parity (
    connector BIGINT PRIMARY KEY REFERENCES connector (id) ON DELETE CASCADE,
    asked_at BIGINT,
    leads BIGINT NOT NULL,
    ended_at BIGINT,
    result TEXT,
    problem TEXT,
    -- The result before, where fewer leads agree now and nobody was notified.
    fell_from TEXT
);

-- The leads that differed when the accounts were compared last.
CREATE TABLE parity_lead (
    connector BIGINT NOT NULL REFERENCES connector (id) ON DELETE CASCADE,
    number BIGINT NOT NULL,
    apart TEXT NOT NULL,
    what TEXT NOT NULL,
    -- The request that a person had made of it.
    request BIGINT,
    PRIMARY KEY (connector, number)
);
CREATE INDEX parity_lead_apart ON parity_lead (connector, apart, number);

-- The type of the activities that a backfill reads; NULL while it reads leads. And how many it read.
ALTER TABLE backfill ADD COLUMN event BIGINT;
ALTER TABLE backfill ADD COLUMN activities BIGINT NOT NULL DEFAULT 0;
