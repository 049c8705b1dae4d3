//! What is kept: one interface of storage operations over SQLite and PostgreSQL.
