-- The SQLite migration of the same number differs in types, and computes the state when it is read.

-- The name of a record's lead, as the source showed it.
ALTER TABLE record ADD COLUMN name TEXT;

-- Whether a record only reports our own write, and whether a request is nothing else.
ALTER TABLE record ADD COLUMN echo BIGINT NOT NULL DEFAULT 0;
ALTER TABLE request ADD COLUMN echo BIGINT NOT NULL DEFAULT 0;
CREATE INDEX request_shown ON request (connector, id) WHERE echo = 0;

-- The state that the log shows and counts a record under, from what is known about it: as
-- `plan::state` says, except that a record of a connector that is held counts as held.
ALTER TABLE record ADD COLUMN state TEXT GENERATED ALWAYS AS (
    CASE WHEN due IS NOT NULL THEN CASE WHEN event = 'failed' THEN 'retrying' ELSE 'queued' END
         WHEN event = 'failed' THEN CASE WHEN code IN (
             'ambiguous', 'keys_disagree', 'linked_to_another', 'conflict'
         ) THEN 'review' ELSE 'failed' END
         WHEN event = 'skipped' THEN 'skipped'
         WHEN event <> 'unchanged' THEN 'synced'
         WHEN echo = 1 THEN 'echo'
         ELSE 'no_change' END
) STORED;
CREATE INDEX record_state ON record (connector, state, entity, request, position);
