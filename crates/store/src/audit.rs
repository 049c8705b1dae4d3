//! Who did it.

/// Who made a change: for the audit log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor(pub String);

impl Actor {
    /// Somebody at the command line.
    pub fn command_line() -> Self {
        Self("command line".to_owned())
    }
}
