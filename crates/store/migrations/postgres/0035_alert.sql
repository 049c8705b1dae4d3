-- The SQLite migration of the same number differs in types only.

-- The addresses that receive alerts.
CREATE TABLE alert (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- An email address; of a webhook, its host and the last characters of its URL.
    shown TEXT NOT NULL,
    -- The webhook's URL, encrypted; NULL: an email address.
    url TEXT,
    -- A keyed hash of the address, so that it is added once.
    hash BIGINT NOT NULL UNIQUE,
    -- 1: alerts of every connector; 0: of those in alert_connector.
    every_connector BIGINT NOT NULL,
    made_at BIGINT NOT NULL
);

-- Whose alerts an address receives.
CREATE TABLE alert_connector (
    alert BIGINT NOT NULL REFERENCES alert (id) ON DELETE CASCADE,
    connector BIGINT NOT NULL REFERENCES connector (id) ON DELETE CASCADE,
    PRIMARY KEY (alert, connector)
);

-- The address that a mail is for, and what a webhook is told about it. It refers to no row: a mail
-- outlives its address.
ALTER TABLE mail ADD COLUMN alert BIGINT;
ALTER TABLE mail ADD COLUMN kind TEXT;
ALTER TABLE mail ADD COLUMN connector TEXT;
ALTER TABLE mail ADD COLUMN url TEXT;
CREATE INDEX mail_alert ON mail (alert, id) WHERE alert IS NOT NULL;
