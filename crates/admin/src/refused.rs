//! Why something is not done.

use std::fmt;

use plan::connector::Fault;
use plan::problem::Problem;

/// Why something is not done. Each face says it in its own form.
#[derive(Debug)]
pub enum Refused {
    /// It does not exist.
    NotFound {
        /// What kind of thing.
        what: &'static str,
        /// Which one.
        name: String,
        /// The route of the API that lists the existing ones.
        list: String,
    },
    /// Parts of the input are invalid.
    Invalid(Vec<Fault>),
    /// The store refuses it, or failed.
    Store(store::Error),
    /// leadsync itself failed.
    Failed(Problem),
}

/// What comes of a use case.
pub type Result<T, E = Refused> = std::result::Result<T, E>;

impl Refused {
    /// There is no such thing; `list` is the route that lists the existing ones.
    pub fn not_found(what: &'static str, name: &str, list: impl Into<String>) -> Self {
        Self::NotFound { what, name: name.to_owned(), list: list.into() }
    }

    /// A part of the input is invalid.
    pub fn wrong(at: impl Into<String>, what: impl Into<String>) -> Self {
        Self::Invalid(vec![Fault { at: at.into(), what: what.into() }])
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound { what, name, .. } => write!(f, "the {what} '{name}' does not exist"),
            Self::Invalid(faults) => {
                let faults: Vec<String> = faults.iter().map(ToString::to_string).collect();
                f.write_str(&faults.join("; "))
            }
            Self::Store(error) => error.fmt(f),
            Self::Failed(problem) => problem.fmt(f),
        }
    }
}

impl std::error::Error for Refused {}

impl From<store::Error> for Refused {
    fn from(error: store::Error) -> Self {
        Self::Store(error)
    }
}
