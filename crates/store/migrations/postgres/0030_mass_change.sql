-- The SQLite migration of the same number differs in types only.

-- Connectors whose webhooks changed so many leads that the rest waits for a person.
CREATE TABLE mass_change (
    connector BIGINT PRIMARY KEY REFERENCES connector (id) ON DELETE CASCADE,
    -- NULL: nothing waits.
    held_at BIGINT,
    -- Leads that had been changed by then.
    changes BIGINT NOT NULL,
    -- Whether people were notified.
    notified BIGINT NOT NULL,
    -- Until then nothing is held, because a person confirmed it.
    confirmed_until BIGINT
);
