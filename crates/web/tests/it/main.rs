//! The receiver and the API over real sockets, on a real SQLite file.

#![expect(clippy::unwrap_used, reason = "a failed test panics, in its helpers too")]

mod access;
mod api;
mod console;
mod harness;
mod receiving;
mod refusing;
mod stalling;
mod stopping;
mod wire;
