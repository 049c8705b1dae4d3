//! Bodies and values from life, and two-way sync, simulated.

#![expect(clippy::unwrap_used, reason = "a failed test panics, in its helpers too")]

mod bodies;
mod simulation;
mod values;
