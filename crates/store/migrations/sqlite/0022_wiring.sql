-- The PostgreSQL migration of the same number differs in types only.

-- The SHA-256 of the secret that the source account's native webhooks send, in hexadecimal, and when they
-- were made.
ALTER TABLE connector ADD COLUMN wired_secret TEXT;
ALTER TABLE connector ADD COLUMN wired_at INTEGER;
