-- The SQLite migration of the same number differs in types only.

-- By what people know a record: an email address or a phone number as it was written.
ALTER TABLE record ADD COLUMN known_as TEXT;

-- The log by what became of records is read off this index in order of arrival, and is counted
-- from it alone.
CREATE INDEX record_outcome ON record (connector, entity, event, request, position);
DROP INDEX record_cause;
CREATE INDEX record_cause ON record (connector, cause, request, position)
    WHERE sync_status = 'error';

-- Retries that a person asked for, however many records each is of.
CREATE TABLE retry_batch (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    settings TEXT NOT NULL,       -- now or then
    per_minute BIGINT,
    filter TEXT,                  -- JSON; NULL: requests that were named
    requests BIGINT NOT NULL,
    records BIGINT NOT NULL,
    cancelled BIGINT NOT NULL,        -- records
    cancelled_by TEXT
);
ALTER TABLE record ADD COLUMN batch BIGINT;   -- the last that it was in
ALTER TABLE attempt ADD COLUMN batch BIGINT;  -- the one that it was made for
CREATE INDEX record_batch ON record (batch, event, due) WHERE batch IS NOT NULL;
