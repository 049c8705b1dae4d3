-- The PostgreSQL migration of the same number differs in types only.

-- Connectors whose webhooks changed so many leads that the rest waits for a person.
CREATE TABLE mass_change (
    connector INTEGER PRIMARY KEY REFERENCES connector (id) ON DELETE CASCADE,
    -- NULL: nothing waits.
    held_at INTEGER,
    -- Leads that had been changed by then.
    changes INTEGER NOT NULL,
    -- Whether people were notified.
    notified INTEGER NOT NULL,
    -- Until then nothing is held, because a person confirmed it.
    confirmed_until INTEGER
) STRICT;
