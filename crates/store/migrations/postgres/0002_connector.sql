-- Activities, life cycle and retries.

-- Links tie activities as well as leads.

ALTER TABLE link RENAME COLUMN first_lead TO first_id;
ALTER TABLE link RENAME COLUMN second_lead TO second_id;
ALTER TABLE link ADD COLUMN entity TEXT NOT NULL DEFAULT 'lead';

-- What an account says of itself is more than its fields. It is fetched again.
DROP TABLE lead_fields;
CREATE TABLE catalogue (
    account BIGINT PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
    at BIGINT NOT NULL,
    content TEXT NOT NULL         -- JSON: fields, users, activity types
);

-- What changed in an account's fields and may break a mapping.
CREATE TABLE field_change (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account BIGINT NOT NULL REFERENCES account (id) ON DELETE CASCADE,
    at BIGINT NOT NULL,
    content TEXT NOT NULL         -- JSON
);
CREATE INDEX field_change_account ON field_change (account, id);

ALTER TABLE connector ADD COLUMN disabled_at BIGINT;  -- since when it is disabled

ALTER TABLE record ADD COLUMN cause TEXT;     -- of a failure: what failures are grouped by
ALTER TABLE record ADD COLUMN retry TEXT;     -- now or then: the mapping that a person asked for
ALTER TABLE attempt ADD COLUMN retry TEXT;
ALTER TABLE attempt ADD COLUMN version BIGINT NOT NULL DEFAULT 0;  -- of the connector; 0: not known
CREATE INDEX record_cause ON record (connector, cause) WHERE sync_status = 'error';
