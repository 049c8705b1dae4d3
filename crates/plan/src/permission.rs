//! Who may do what.

use serde::{Deserialize, Serialize};

use crate::outcome::words;

words! {
    /// What a user of leadsync is.
    Role {
        /// May do everything.
        Administrator = "administrator",
        /// May look, try again, and switch connectors on and off.
        Operator = "operator",
    }
}

words! {
    /// What a route asks for and a token allows; a later one includes those before it.
    Scope {
        /// To look at everything but webhook URLs, users, tokens and the audit log.
        Read = "read",
        /// To try again, to preview, and to switch connectors on and off.
        Operate = "operate",
        /// To do everything.
        Administer = "administer",
    }
}

impl Role {
    /// The most that somebody of this role may do.
    pub fn most(self) -> Scope {
        match self {
            Self::Administrator => Scope::Administer,
            Self::Operator => Scope::Operate,
        }
    }
}
