//! The time.

use jiff::Timestamp;
use std::sync::Arc;

/// Tells the time. Tests pass their own; [`system_clock`] is the default.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The system's clock: the only place in this crate that reads it.
pub fn system_clock() -> Clock {
    #[expect(clippy::disallowed_methods, reason = "the one place that owns the time here")]
    Arc::new(Timestamp::now)
}
