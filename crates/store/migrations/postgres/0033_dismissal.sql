-- The SQLite migration of the same number differs in types only.

-- Causes of failures that a person dismissed, so that they no longer need attention.
CREATE TABLE dismissal (
    connector BIGINT NOT NULL REFERENCES connector (id) ON DELETE CASCADE,
    cause TEXT NOT NULL,
    note TEXT NOT NULL,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    recurred_at BIGINT,    -- when a further record failed for this cause, which ends the dismissal
    PRIMARY KEY (connector, cause)
);
