-- The PostgreSQL migration of the same number differs in types only.

-- Calls made to an account in an hour (UTC, hours since 1970), of the last days: what tells the rate.
CREATE TABLE spent_hour (
    account INTEGER NOT NULL,
    hour INTEGER NOT NULL,
    calls INTEGER NOT NULL,
    PRIMARY KEY (account, hour)
) STRICT;

-- When people were warned that the day's calls will not suffice.
ALTER TABLE spent ADD COLUMN warned_at INTEGER;
