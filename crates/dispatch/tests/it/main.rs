//! The dispatcher between two emulated accounts, on SQLite.

mod activities;
mod backfill;
mod catch_up;
mod clock;
mod comparing;
mod directory;
mod fields;
mod leads;
mod lifecycle;
mod mail;
mod probe;
mod quota;
mod recovery;
mod removals;
mod retention;
mod reviews;
mod scene;
mod trouble;
mod two_way;
