-- The PostgreSQL migration of the same number differs in types only.

-- What a person decides about a lead: which one it is, or whose values hold.
CREATE TABLE review (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    connector INTEGER NOT NULL REFERENCES connector (id) ON DELETE CASCADE,
    source INTEGER NOT NULL,          -- the accounts
    destination INTEGER NOT NULL,
    source_id TEXT NOT NULL,       -- the lead in the source
    destination_id TEXT,           -- of a conflict, the lead in the destination
    known_as TEXT,
    reason TEXT NOT NULL,
    state TEXT NOT NULL,           -- open, decided, solved
    evidence TEXT NOT NULL,        -- JSON
    opened_at INTEGER NOT NULL,
    request INTEGER NOT NULL,         -- the one that asked last
    choice TEXT,                   -- JSON
    decided_at INTEGER,
    decided_by TEXT
) STRICT;
CREATE INDEX review_lead ON review (connector, source_id);
CREATE INDEX review_source ON review (source_id);
CREATE INDEX review_destination ON review (destination_id);
CREATE INDEX review_state ON review (state, id);

-- Leads that were linked and are not in their account any more. A webhook of before that comes late
-- must not make them again.
CREATE TABLE gone (
    account INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    lead TEXT NOT NULL,
    PRIMARY KEY (account, lead)
) STRICT, WITHOUT ROWID;
