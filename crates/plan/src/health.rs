//! Whether a connector and an account work: the decision, from a few numbers. `docs/health.md` gives
//! the reasons for the thresholds.

mod account;
mod connector;

pub use account::{AccountHealth, AccountSigns, AccountState};
pub use connector::{Arrived, ConnectorHealth, ConnectorSigns, ConnectorState, Reason};
