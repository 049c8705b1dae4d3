-- The PostgreSQL migration of the same number differs in types only.

-- Who a user is according to an OpenID Connect provider.
CREATE TABLE identity (
    issuer TEXT NOT NULL,
    subject TEXT NOT NULL,        -- the issuer's name for the person
    owner INTEGER NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    made_at INTEGER NOT NULL,
    PRIMARY KEY (issuer, subject)
) STRICT;
CREATE INDEX identity_owner ON identity (owner);

-- 1: the provider's claim decides the role. Such users have an empty password, unless somebody set
-- one: they can't sign in with it.
ALTER TABLE users ADD COLUMN by_provider INTEGER NOT NULL DEFAULT 0;
