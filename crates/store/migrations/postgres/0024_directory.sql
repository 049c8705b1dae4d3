-- The SQLite migration of the same number differs in types only.

-- The directory: which leads an account has, as far as it was read.
CREATE TABLE directory_lead (
    account BIGINT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    lead_id TEXT NOT NULL,
    modified_at BIGINT,
    hashes TEXT NOT NULL,         -- JSON: those of its keys
    PRIMARY KEY (account, lead_id)
);

-- Which leads have a key. A key itself is not kept, only its hash.
CREATE TABLE directory_key (
    account BIGINT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    hash BIGINT NOT NULL,
    lead_id TEXT NOT NULL,
    PRIMARY KEY (account, hash, lead_id)
);

-- How far an account was read.
CREATE TABLE directory_reading (
    account BIGINT PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
    fields TEXT NOT NULL,         -- JSON: whose keys are kept
    begun_at BIGINT NOT NULL,
    from_at BIGINT NOT NULL,      -- leads of this second and later are still to be read
    page BIGINT NOT NULL,         -- which page of them is next
    leads BIGINT NOT NULL,        -- that were read
    complete_at BIGINT            -- NULL: it is being read
);
