-- The SQLite migration of the same number differs in types only.

-- Who saved a version, as the audit log names them; empty for those of before.
ALTER TABLE connector_version ADD COLUMN actor TEXT NOT NULL DEFAULT '';
