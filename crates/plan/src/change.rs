//! One field that is written.

use serde::{Deserialize, Serialize};

use crate::metadata::Kind;

/// A field of an account and the value that it is to have.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// The field by schema name.
    pub to: String,
    /// Its type. The log does not keep it.
    #[serde(skip, default = "text")]
    pub kind: Kind,
    /// The value, in the form that the account takes.
    pub value: String,
    /// What the account held before, if known.
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
