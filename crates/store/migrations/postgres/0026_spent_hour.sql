-- The SQLite migration of the same number differs in types only.

-- Calls made to an account in an hour (UTC, hours since 1970), of the last days: what tells the rate.
CREATE TABLE spent_hour (
    account BIGINT NOT NULL,
    hour BIGINT NOT NULL,
    calls BIGINT NOT NULL,
    PRIMARY KEY (account, hour)
);

-- When people were warned that the day's calls will not suffice.
ALTER TABLE spent ADD COLUMN warned_at BIGINT;
