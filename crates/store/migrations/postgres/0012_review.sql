-- The SQLite migration of the same number differs in types only.

-- What a person decides about a lead: which one it is, or whose values hold.
CREATE TABLE review (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    connector BIGINT NOT NULL REFERENCES connector (id) ON DELETE CASCADE,
    source BIGINT NOT NULL,          -- the accounts
    destination BIGINT NOT NULL,
    source_id TEXT NOT NULL,       -- the lead in the source
    destination_id TEXT,           -- of a conflict, the lead in the destination
    known_as TEXT,
    reason TEXT NOT NULL,
    state TEXT NOT NULL,           -- open, decided, solved
    evidence TEXT NOT NULL,        -- JSON
    opened_at BIGINT NOT NULL,
    request BIGINT NOT NULL,         -- the one that asked last
    choice TEXT,                   -- JSON
    decided_at BIGINT,
    decided_by TEXT
);
CREATE INDEX review_lead ON review (connector, source_id);
CREATE INDEX review_source ON review (source_id);
CREATE INDEX review_destination ON review (destination_id);
CREATE INDEX review_state ON review (state, id);

-- Leads that were linked and are not in their account any more. A webhook of before that comes late
-- must not make them again.
CREATE TABLE gone (
    account BIGINT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    lead TEXT NOT NULL,
    PRIMARY KEY (account, lead)
);
