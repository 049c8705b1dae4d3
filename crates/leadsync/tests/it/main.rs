//! The real binary, on an SQLite file of its own.

mod api;
mod apply;
mod architecture;
mod chance;
mod check;
mod citations;
mod connector;
mod docs;
mod kill;
mod logs;
mod program;
mod scenarios;
mod service;
mod settings;
mod traffic;
mod two_way;
mod user;
