-- The PostgreSQL migration of the same number differs in types only.

-- The types of activities that could not be read, and what was modified since when they lack.
ALTER TABLE sweep ADD COLUMN behind TEXT;
-- So many pages in a row could not be read, and whether people were notified of it.
ALTER TABLE sweep ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;
ALTER TABLE sweep ADD COLUMN failure_notified INTEGER NOT NULL DEFAULT 0;

-- So many linked leads were no longer in the source, and wait until a person has them marked.
ALTER TABLE parity ADD COLUMN held INTEGER;
ALTER TABLE parity ADD COLUMN held_notified INTEGER NOT NULL DEFAULT 1;
