-- The PostgreSQL migration of the same number differs in types only.

-- What a backfill of a connector would do: the count under way, and the last one.
CREATE TABLE backfill_plan (
    connector INTEGER PRIMARY KEY REFERENCES connector (id) ON DELETE CASCADE,
    asked_at INTEGER,
    -- The leads that are counted, and how many of them were read.
    what TEXT,
    leads INTEGER NOT NULL,
    ended_at INTEGER,
    -- The leads that were counted last, and what was found.
    counted TEXT,
    result TEXT,
    problem TEXT
) STRICT;
