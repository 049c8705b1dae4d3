//! The real binary, on an SQLite file of its own.

mod apply;
mod connector;
mod logs;
mod program;
mod settings;
