-- The PostgreSQL migration of the same number differs in how it reads JSON.

-- The code of the problem of a record that failed, was skipped, or went through with something left
-- out.
ALTER TABLE record ADD COLUMN code TEXT;
UPDATE record SET code = json_extract(problem, '$.code') WHERE json_valid(problem);
