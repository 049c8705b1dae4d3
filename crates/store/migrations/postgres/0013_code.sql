-- The SQLite migration of the same number differs in how it reads JSON.

-- The code of the problem of a record that failed, was skipped, or went through with something left
-- out.
ALTER TABLE record ADD COLUMN code TEXT;
-- It is written first. PostgreSQL's own functions refuse JSON that quotes a NUL character anywhere.
UPDATE record SET code = substring(problem FROM '^\{"code":"([^"\\]*)"') WHERE problem IS NOT NULL;
