-- Times are milliseconds since 1970. The PostgreSQL migration of the same number differs in types only.

-- Numbers that only grow.
CREATE TABLE counter (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT;
INSERT INTO counter (name, value) VALUES ('configuration', 0), ('fence', 0), ('node', 0);

CREATE TABLE account (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    host TEXT NOT NULL,
    access_key TEXT NOT NULL,     -- encrypted
    secret_key TEXT NOT NULL,     -- encrypted
    plan TEXT NOT NULL            -- JSON
) STRICT;

CREATE TABLE connector (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    source INTEGER NOT NULL REFERENCES account (id),
    destination INTEGER NOT NULL REFERENCES account (id),
    enabled INTEGER NOT NULL,
    version INTEGER NOT NULL,
    token TEXT NOT NULL,          -- encrypted
    token_hash BLOB NOT NULL UNIQUE
) STRICT;

-- Every definition that a connector ever had: the log names the one that decided.
CREATE TABLE connector_version (
    connector INTEGER NOT NULL REFERENCES connector (id) ON DELETE CASCADE,
    version INTEGER NOT NULL,
    at INTEGER NOT NULL,
    definition TEXT NOT NULL,     -- JSON
    PRIMARY KEY (connector, version)
) STRICT;

CREATE TABLE lead_fields (
    account INTEGER PRIMARY KEY REFERENCES account (id) ON DELETE CASCADE,
    at INTEGER NOT NULL,
    fields TEXT NOT NULL          -- JSON
) STRICT;

-- What came in. Never changed.
CREATE TABLE delivery (
    id INTEGER PRIMARY KEY,
    connector INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    origin TEXT NOT NULL,
    content_type TEXT,
    body BLOB NOT NULL
) STRICT;

-- How a delivery stands, under the same id.
CREATE TABLE request (
    id INTEGER PRIMARY KEY,
    connector INTEGER NOT NULL,
    job_status TEXT NOT NULL,
    sync_status TEXT,
    behaviour TEXT,
    finished_at INTEGER,
    due INTEGER NOT NULL          -- 0 until it was first taken up
) STRICT;
CREATE INDEX request_open ON request (connector, due, id) WHERE finished_at IS NULL;
CREATE INDEX request_connector ON request (connector, id);
CREATE INDEX request_error ON request (id) WHERE sync_status = 'error';

-- A lead or an activity that was tried.
CREATE TABLE record (
    request INTEGER NOT NULL,
    position INTEGER NOT NULL,
    connector INTEGER NOT NULL,
    entity TEXT NOT NULL,
    event TEXT NOT NULL,
    sync_status TEXT NOT NULL,
    due INTEGER,                  -- NULL: nothing more is done unless a person asks
    attempts INTEGER NOT NULL,
    tries INTEGER NOT NULL,
    doubtful INTEGER NOT NULL,
    source_id TEXT,
    destination_id TEXT,
    problem TEXT,                 -- JSON
    explanation TEXT,             -- JSON
    version INTEGER NOT NULL,
    PRIMARY KEY (request, position)
) STRICT;
CREATE INDEX record_waiting ON record (connector, due) WHERE due IS NOT NULL;

CREATE TABLE attempt (
    request INTEGER NOT NULL,
    position INTEGER NOT NULL,
    number INTEGER NOT NULL,
    at INTEGER NOT NULL,
    event TEXT NOT NULL,
    problem TEXT,                 -- JSON
    calls TEXT NOT NULL,          -- JSON: ids of calls, and rows in them
    PRIMARY KEY (request, position, number)
) STRICT;

-- A call, once, however many records it was for.
CREATE TABLE call (
    id INTEGER PRIMARY KEY,
    account INTEGER NOT NULL,
    connector INTEGER,            -- NULL: a call for the account itself
    at INTEGER NOT NULL,
    milliseconds INTEGER NOT NULL,
    method TEXT NOT NULL,
    url TEXT NOT NULL,
    status INTEGER,
    request TEXT NOT NULL,
    response TEXT NOT NULL,
    error TEXT
) STRICT;

-- What a record can be found by: emails, phone numbers, ids.
CREATE TABLE mention (
    value TEXT NOT NULL,
    request INTEGER NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (value, request, position)
) STRICT, WITHOUT ROWID;

-- Calls that go out, until their outcome is kept.
CREATE TABLE intent (
    id INTEGER PRIMARY KEY,
    account INTEGER NOT NULL,
    at INTEGER NOT NULL,
    operation TEXT NOT NULL,
    records TEXT NOT NULL         -- JSON
) STRICT;

-- Leads of two accounts that are one person. first_account < second_account.
CREATE TABLE link (
    first_account INTEGER NOT NULL,
    second_account INTEGER NOT NULL,
    first_lead TEXT NOT NULL,
    second_lead TEXT NOT NULL,
    first_end TEXT NOT NULL,      -- JSON
    second_end TEXT NOT NULL,     -- JSON
    PRIMARY KEY (first_account, second_account, first_lead)
) STRICT;
CREATE UNIQUE INDEX link_second ON link (first_account, second_account, second_lead);

-- Which node works an account. `expires` is by the database's clock.
CREATE TABLE lease (
    account INTEGER PRIMARY KEY,
    holder TEXT NOT NULL,
    fence INTEGER NOT NULL,
    expires INTEGER NOT NULL
) STRICT;

-- Calls made to an account on a day (UTC, days since 1970).
CREATE TABLE spent (
    account INTEGER NOT NULL,
    day INTEGER NOT NULL,
    calls INTEGER NOT NULL,
    PRIMARY KEY (account, day)
) STRICT;

-- Who changed what. Never holds secrets.
CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    before TEXT,                  -- JSON
    after TEXT                    -- JSON
) STRICT;
