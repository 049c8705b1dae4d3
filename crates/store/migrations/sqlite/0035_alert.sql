-- The PostgreSQL migration of the same number differs in types only.

-- The addresses that receive alerts.
CREATE TABLE alert (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    -- An email address; of a webhook, its host and the last characters of its URL.
    shown TEXT NOT NULL,
    -- The webhook's URL, encrypted; NULL: an email address.
    url TEXT,
    -- A keyed hash of the address, so that it is added once.
    hash INTEGER NOT NULL UNIQUE,
    -- 1: alerts of every connector; 0: of those in alert_connector.
    every_connector INTEGER NOT NULL,
    made_at INTEGER NOT NULL
) STRICT;

-- Whose alerts an address receives.
CREATE TABLE alert_connector (
    alert INTEGER NOT NULL REFERENCES alert (id) ON DELETE CASCADE,
    connector INTEGER NOT NULL REFERENCES connector (id) ON DELETE CASCADE,
    PRIMARY KEY (alert, connector)
) STRICT;

-- The address that a mail is for, and what a webhook is told about it. It refers to no row: a mail
-- outlives its address.
ALTER TABLE mail ADD COLUMN alert INTEGER;
ALTER TABLE mail ADD COLUMN kind TEXT;
ALTER TABLE mail ADD COLUMN connector TEXT;
ALTER TABLE mail ADD COLUMN url TEXT;
CREATE INDEX mail_alert ON mail (alert, id) WHERE alert IS NOT NULL;
