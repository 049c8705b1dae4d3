-- The SQLite migration of the same number differs in types only.

-- When a connector's webhook URL was made or replaced, and when it was last used, to a minute. NULL: not
-- known, as it happened before this version.
ALTER TABLE connector ADD COLUMN url_since BIGINT;
ALTER TABLE connector ADD COLUMN url_used BIGINT;

-- Replaced webhook URLs of connectors, which stay valid for a while.
CREATE TABLE former_url (
    token_hash BYTEA PRIMARY KEY,
    connector BIGINT NOT NULL REFERENCES connector (id) ON DELETE CASCADE,
    replaced_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL,     -- from then on it is unknown
    used BIGINT                   -- when it was last used, to a minute
);
CREATE INDEX former_url_connector ON former_url (connector, replaced_at);
