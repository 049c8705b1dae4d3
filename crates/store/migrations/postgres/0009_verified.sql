-- The SQLite migration of the same number differs in types only.

-- When a connector's webhook URL was last asked for by the source account's *Verify*.
ALTER TABLE connector ADD COLUMN verified_at BIGINT;
