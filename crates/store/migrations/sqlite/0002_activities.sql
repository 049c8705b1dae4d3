-- Links tie activities as well as leads; what an account says of itself is more than its fields.

ALTER TABLE link RENAME COLUMN first_lead TO first_id;
ALTER TABLE link RENAME COLUMN second_lead TO second_id;
ALTER TABLE link ADD COLUMN entity TEXT NOT NULL DEFAULT 'lead';

-- It is fetched again.
DROP TABLE lead_fields;
CREATE TABLE catalogue (
    account INTEGER PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
    at INTEGER NOT NULL,
    content TEXT NOT NULL         -- JSON: fields, users, activity types
) STRICT;
