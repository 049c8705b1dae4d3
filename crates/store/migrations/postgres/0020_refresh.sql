-- The SQLite migration of the same number is the same.

-- The connector whose linked leads a batch of retries brings up to date.
ALTER TABLE retry_batch ADD COLUMN linked_by TEXT;
