//! What went wrong with a record, for a person to read and act on.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Why a record failed, was skipped, or went through with something left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// A fixed word for this kind of problem; records with the same one are grouped.
    pub code: String,
    /// What is wrong and where, in one plain sentence.
    pub message: String,
    /// What to do about it.
    pub advice: String,
    /// The destination's field that it is about, by schema name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// LeadSquared's own exception type, where the account refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exception: Option<String>,
}

impl Problem {
    /// A problem with the record as a whole.
    pub fn new(code: &str, message: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            code: code.to_owned(),
            message: message.into(),
            advice: advice.into(),
            field: None,
            exception: None,
        }
    }

    /// The same problem, about this field of the destination.
    #[must_use]
    pub fn about(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// The same problem, with LeadSquared's exception type.
    #[must_use]
    pub fn raised_as(mut self, exception: impl Into<String>) -> Self {
        self.exception = Some(exception.into());
        self
    }
}

impl Problem {
    /// What failures are grouped by: the code, the field and the account's exception.
    pub fn cause(&self) -> String {
        let parts = [Some(self.code.as_str()), self.field.as_deref(), self.exception.as_deref()];
        parts.into_iter().flatten().collect::<Vec<_>>().join("/")
    }
}

/// The beginning of a text that somebody else wrote, to be shown in a sentence.
pub(crate) fn shortened(text: &str) -> String {
    const SHOWN: usize = 80;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.message, self.advice)
    }
}
