-- The SQLite migration of the same number differs in types only.

-- A connector in trouble, from its first failure until that is over.
CREATE TABLE incident (
    connector BIGINT PRIMARY KEY REFERENCES connector (id) ON DELETE CASCADE,
    began BIGINT NOT NULL,
    since BIGINT,                -- the oldest request that failed in it
    streak BIGINT NOT NULL,
    longest BIGINT NOT NULL,
    failed_at BIGINT NOT NULL,
    passed BOOLEAN NOT NULL,
    row_told BOOLEAN NOT NULL,
    mails BIGINT NOT NULL,
    told_at BIGINT
);

-- Why, counted: not a row a failure.
CREATE TABLE incident_cause (
    connector BIGINT NOT NULL REFERENCES incident (connector) ON DELETE CASCADE,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    count BIGINT NOT NULL,
    told BIGINT NOT NULL,
    problem TEXT NOT NULL,        -- JSON: the last one's
    request BIGINT,              -- the last one's
    PRIMARY KEY (connector, kind, name)
);

-- Whether failed records are left, asked again and again while an incident lasts.
CREATE INDEX record_failed ON record (connector, request) WHERE event = 'failed';

-- Mails, kept before they are sent.
CREATE TABLE mail (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id TEXT NOT NULL UNIQUE,
    thread TEXT,                  -- the Message-ID of the incident's first mail
    at BIGINT NOT NULL,
    recipient TEXT NOT NULL,
    subject TEXT NOT NULL,
    body TEXT NOT NULL,
    state TEXT NOT NULL,
    tries BIGINT NOT NULL,
    due BIGINT,                  -- NULL: nothing more is done
    ended_at BIGINT,
    error TEXT
);
CREATE INDEX mail_due ON mail (due) WHERE due IS NOT NULL;
