-- The PostgreSQL migration of the same number differs in types only.

-- The directory: which leads an account has, as far as it was read.
CREATE TABLE directory_lead (
    account INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    lead_id TEXT NOT NULL,
    modified_at INTEGER,
    hashes TEXT NOT NULL,         -- JSON: those of its keys
    PRIMARY KEY (account, lead_id)
) STRICT, WITHOUT ROWID;

-- Which leads have a key. A key itself is not kept, only its hash.
CREATE TABLE directory_key (
    account INTEGER NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    hash INTEGER NOT NULL,
    lead_id TEXT NOT NULL,
    PRIMARY KEY (account, hash, lead_id)
) STRICT, WITHOUT ROWID;

-- How far an account was read.
CREATE TABLE directory_reading (
    account INTEGER PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
    fields TEXT NOT NULL,         -- JSON: whose keys are kept
    begun_at INTEGER NOT NULL,
    from_at INTEGER NOT NULL,     -- leads of this second and later are still to be read
    page INTEGER NOT NULL,        -- which page of them is next
    leads INTEGER NOT NULL,       -- that were read
    complete_at INTEGER           -- NULL: it is being read
) STRICT;
