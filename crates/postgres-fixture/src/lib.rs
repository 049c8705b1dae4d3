//! Starts a throw-away PostgreSQL for tests, and ends it.
