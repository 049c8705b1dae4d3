//! Decides what to do with each record: pure, without IO, clock or randomness.
//!
//! The modules in the order in which a lead passes them:
//!
//! 1. [`payload`] reads a webhook's body into records, through [`json`], which has the limits;
//! 2. [`mapping`] turns the source's fields into the destination's, with [`value`], [`phone`] and
//!    [`moment`] converting the values;
//! 3. [`identity`] says by which keys a lead is matched, [`link`] what was last synced;
//! 4. [`work`] is the life of a record: which call comes next, what its response means, what needs
//!    a [`review`], and how it ends;
//! 5. [`verdict`] says what an account's refusal means;
//! 6. [`operation`] names the calls, [`retry`] says when to retry, [`quota`] how many calls fit.
//!
//! [`incident`] says when and how people are notified of failures, [`digest`] when they get a summary, [`repair`] how failures are fixed,
//! [`silence`] whether webhooks have stopped, [`health`] whether connectors and accounts work, [`lag`] how
//! long things take.
//! [`preview`] runs [`work`] for a payload without making a call, and [`check`] says what will fail
//! without needing a payload. Everything that these need is passed in, so that a request can be
//! planned again at any time: for a retry, for a preview, and in a simulation.

pub mod access;
pub mod activity;
pub mod alert;
pub mod backfill;
pub mod change;
pub mod check;
pub mod connector;
pub mod digest;
pub mod directory;
pub mod email;
pub mod health;
pub mod id;
pub mod identity;
pub mod incident;
pub mod json;
pub mod lag;
pub mod link;
pub mod mapping;
pub mod mask;
pub mod metadata;
pub mod moment;
pub mod operation;
pub mod outcome;
pub mod parity;
pub mod payload;
pub mod period;
pub mod permission;
pub mod phone;
pub mod placeholder;
pub mod preview;
pub mod probe;
pub mod problem;
pub mod quota;
pub mod repair;
pub mod retry;
pub mod review;
pub mod search;
pub mod silence;
pub mod snapshot;
pub mod state;
pub mod sweep;
pub mod text;
pub mod traits;
pub mod value;
pub mod verdict;
pub mod wiring;
pub mod work;
