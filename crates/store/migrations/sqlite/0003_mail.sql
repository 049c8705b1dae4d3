-- The PostgreSQL migration of the same number differs in types only.

-- A connector in trouble, from its first failure until that is over.
CREATE TABLE incident (
    connector INTEGER PRIMARY KEY REFERENCES connector (id) ON DELETE CASCADE,
    began INTEGER NOT NULL,
    since INTEGER,                -- the oldest request that failed in it
    streak INTEGER NOT NULL,
    longest INTEGER NOT NULL,
    failed_at INTEGER NOT NULL,
    passed INTEGER NOT NULL,
    row_told INTEGER NOT NULL,
    mails INTEGER NOT NULL,
    told_at INTEGER
) STRICT;

-- Why, counted: not a row a failure.
CREATE TABLE incident_cause (
    connector INTEGER NOT NULL REFERENCES incident (connector) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    count INTEGER NOT NULL,
    told INTEGER NOT NULL,
    problem TEXT NOT NULL,        -- JSON: the last one's
    request INTEGER,              -- the last one's
    PRIMARY KEY (connector, kind, name)
) STRICT;

-- Whether failed records are left, asked again and again while an incident lasts.
CREATE INDEX record_failed ON record (connector, request) WHERE event = 'failed';

-- Mails, kept before they are sent.
CREATE TABLE mail (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    message_id TEXT NOT NULL UNIQUE,
    thread TEXT,                  -- the Message-ID of the incident's first mail
    at INTEGER NOT NULL,
    recipient TEXT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    state TEXT NOT NULL,
    tries INTEGER NOT NULL,
    due INTEGER,                  -- NULL: nothing more is done
    ended_at INTEGER,
    error TEXT
) STRICT;
CREATE INDEX mail_due ON mail (due) WHERE due IS NOT NULL;
