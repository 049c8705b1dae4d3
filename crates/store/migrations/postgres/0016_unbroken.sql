-- Since when the store knows all that was done to an account, in milliseconds: the group was not without
-- a holder for long since then. A store that was restored from a backup was.
ALTER TABLE lease ADD COLUMN since BIGINT NOT NULL DEFAULT 0;
