-- Until when a probe of the account is under way, unless it goes on: there is one at a time.
ALTER TABLE account ADD COLUMN probe_until BIGINT;
