//! One field to write.

use serde::{Deserialize, Serialize};

use crate::metadata::Kind;

/// A field of an account and its new value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The field by schema name.
    pub to: String,
    /// Its type, which is not logged.
    #[serde(skip, default = "text")]
    pub kind: Kind,
    /// The value, in the form that the account takes.
    pub value: String,
    /// The account's old value, if known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
}

impl Change {
    /// The change of this field to this value.
    pub fn new(to: &str, kind: Kind, value: &str) -> Self {
        Self { to: to.to_owned(), kind, value: value.to_owned(), before: None }
    }
}

fn text() -> Kind {
    Kind::Text
}
