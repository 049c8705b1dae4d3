-- Times are milliseconds since 1970. The SQLite migration of the same number differs in types only.

-- Numbers that only grow.
CREATE TABLE counter (
    name TEXT PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO counter (name, value) VALUES ('configuration', 0), ('fence', 0), ('node', 0);

CREATE TABLE account (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    host TEXT NOT NULL,
    access_key TEXT NOT NULL,     -- encrypted
    secret_key TEXT NOT NULL,     -- encrypted
    plan TEXT NOT NULL            -- JSON
);

CREATE TABLE connector (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    source BIGINT NOT NULL REFERENCES account (id),
    destination BIGINT NOT NULL REFERENCES account (id),
    enabled BOOLEAN NOT NULL,
    version BIGINT NOT NULL,
    token TEXT NOT NULL,          -- encrypted
    token_hash BYTEA NOT NULL UNIQUE
);

-- Every definition that a connector ever had: the log names the one that decided.
CREATE TABLE connector_version (
    connector BIGINT NOT NULL REFERENCES connector (id) ON DELETE CASCADE,
    version BIGINT NOT NULL,
    at BIGINT NOT NULL,
    definition TEXT NOT NULL,     -- JSON
    PRIMARY KEY (connector, version)
);

CREATE TABLE lead_fields (
    account BIGINT PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
    at BIGINT NOT NULL,
    fields TEXT NOT NULL          -- JSON
);

-- What came in. Never changed.
CREATE TABLE delivery (
    id BIGINT PRIMARY KEY,
    connector BIGINT NOT NULL,
    received_at BIGINT NOT NULL,
    origin TEXT NOT NULL,
    content_type TEXT,
    body BYTEA NOT NULL
);

-- How a delivery stands, under the same id.
CREATE TABLE request (
    id BIGINT PRIMARY KEY,
    connector BIGINT NOT NULL,
    job_status TEXT NOT NULL,
    sync_status TEXT,
    behaviour TEXT,
    finished_at BIGINT,
    due BIGINT NOT NULL          -- 0 until it was first taken up
);
CREATE INDEX request_open ON request (connector, due, id) WHERE finished_at IS NULL;
CREATE INDEX request_connector ON request (connector, id);
CREATE INDEX request_error ON request (id) WHERE sync_status = 'error';

-- A lead or an activity that was tried.
CREATE TABLE record (
    request BIGINT NOT NULL,
    position BIGINT NOT NULL,
    connector BIGINT NOT NULL,
    entity TEXT NOT NULL,
    event TEXT NOT NULL,
    sync_status TEXT NOT NULL,
    due BIGINT,                  -- NULL: nothing more is done unless a person asks
    attempts BIGINT NOT NULL,
    tries BIGINT NOT NULL,
    doubtful BOOLEAN NOT NULL,
    source_id TEXT,
    destination_id TEXT,
    problem TEXT,                 -- JSON
    explanation TEXT,             -- JSON
    version BIGINT NOT NULL,
    PRIMARY KEY (request, position)
);
CREATE INDEX record_waiting ON record (connector, due) WHERE due IS NOT NULL;

CREATE TABLE attempt (
    request BIGINT NOT NULL,
    position BIGINT NOT NULL,
    number BIGINT NOT NULL,
    at BIGINT NOT NULL,
    event TEXT NOT NULL,
    problem TEXT,                 -- JSON
    calls TEXT NOT NULL,          -- JSON: ids of calls, and rows in them
    PRIMARY KEY (request, position, number)
);

-- A call, once, however many records it was for.
CREATE TABLE call (
    id BIGINT PRIMARY KEY,
    account BIGINT NOT NULL,
    connector BIGINT,            -- NULL: a call for the account itself
    at BIGINT NOT NULL,
    milliseconds BIGINT NOT NULL,
    method TEXT NOT NULL,
    url TEXT NOT NULL,
    status BIGINT,
    request TEXT NOT NULL,
    response TEXT NOT NULL,
    error TEXT
);

-- What a record can be found by: emails, phone numbers, ids.
CREATE TABLE mention (
    value TEXT NOT NULL,
    request BIGINT NOT NULL,
    position BIGINT NOT NULL,
    PRIMARY KEY (value, request, position)
);

-- Calls that go out, until their outcome is kept.
CREATE TABLE intent (
    id BIGINT PRIMARY KEY,
    account BIGINT NOT NULL,
    at BIGINT NOT NULL,
    operation TEXT NOT NULL,
    records TEXT NOT NULL         -- JSON
);

-- Leads of two accounts that are one person. first_account < second_account.
CREATE TABLE link (
    first_account BIGINT NOT NULL,
    second_account BIGINT NOT NULL,
    first_lead TEXT NOT NULL,
    second_lead TEXT NOT NULL,
    first_end TEXT NOT NULL,      -- JSON
    second_end TEXT NOT NULL,     -- JSON
    PRIMARY KEY (first_account, second_account, first_lead)
);
CREATE UNIQUE INDEX link_second ON link (first_account, second_account, second_lead);

-- Which node works an account. `expires` is by the database's clock.
CREATE TABLE lease (
    account BIGINT PRIMARY KEY,
    holder TEXT NOT NULL,
    fence BIGINT NOT NULL,
    expires BIGINT NOT NULL
);

-- Calls made to an account on a day (UTC, days since 1970).
CREATE TABLE spent (
    account BIGINT NOT NULL,
    day BIGINT NOT NULL,
    calls BIGINT NOT NULL,
    PRIMARY KEY (account, day)
);

-- Who changed what. Never holds secrets.
CREATE TABLE audit (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    before TEXT,                  -- JSON
    after TEXT                    -- JSON
);
