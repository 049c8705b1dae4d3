//! Who may do what.

use serde::{Deserialize, Serialize};

use crate::outcome::words;

words! {
    /// What a user of leadsync is.
    Role {
        /// May do everything.
        Administrator = "administrator",
        /// May view, retry, and enable and disable connectors.
        Operator = "operator",
        /// May only view.
        Viewer = "viewer",
    }
}

words! {
    /// What a route requires and a token allows; a later one includes those before it.
    Scope {
        /// To view everything but webhook URLs, users, tokens and the audit log.
        Read = "read",
        /// To retry, to preview, and to enable and disable connectors.
        Operate = "operate",
        /// To do everything.
        Administer = "administer",
    }
}

impl Role {
    /// The maximum permission of this role.
    pub fn most(self) -> Scope {
        match self {
            Self::Administrator => Scope::Administer,
            Self::Operator => Scope::Operate,
            Self::Viewer => Scope::Read,
        }
    }
}
