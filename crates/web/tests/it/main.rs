//! The receiver over real sockets, on a real SQLite file.

#![expect(clippy::unwrap_used, reason = "a failed test panics, in its helpers too")]

mod harness;
mod receiving;
mod refusing;
mod stalling;
mod stopping;
mod wire;
