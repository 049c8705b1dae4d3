//! Whether accounts respond.

use jiff::Timestamp;
use plan::id::AccountId;
use plan::problem::Problem;

/// An account responded, or is closed: no calls are made to it.
#[derive(Clone, Debug)]
pub struct ContactNews {
    /// The account.
    pub account: AccountId,
    /// When.
    pub at: Timestamp,
    /// Why it is closed; `None` if it responded.
    pub closed: Option<Problem>,
}

/// Whether an account responds, as far as is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    /// The account.
    pub account: AccountId,
    /// When it last responded to a call, to a minute.
    pub responded_at: Option<Timestamp>,
    /// Since when it is closed for this reason, and the reason.
    pub closed: Option<(Timestamp, Problem)>,
}
