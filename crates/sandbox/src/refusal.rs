//! Why the account refuses something.

use crate::metadata::Kind;
use std::fmt;

/// An error of the API: LeadSquared's exception and its message.
///
/// Nothing was written, and the caller can only change the request. A message that no source
/// quotes is a guess: `docs/leadsquared.md#guesses` lists which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// `ExceptionType`, for example `MXDuplicateEntryException`.
    pub exception: &'static str,
    /// `ExceptionMessage`.
    pub message: String,
    /// The HTTP status; 500 for application errors, unless the switch says otherwise.
    pub status: u16,
}

impl Refusal {
    pub(crate) fn new(exception: &'static str, message: impl Into<String>) -> Self {
        Self { exception, message: message.into(), status: 500 }
    }

    pub(crate) fn with_status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    pub(crate) fn unknown_attributes(names: &[&str]) -> Self {
        Self::new(
            "MXUnknownAttributeException",
            format!("Attribute(s) does not exist - {}", names.join(", ")),
        )
    }

    pub(crate) fn duplicate(display_name: &str) -> Self {
        Self::new(
            "MXDuplicateEntryException",
            format!("A Lead with same {display_name} already exists."),
        )
    }

    pub(crate) fn no_lead() -> Self {
        Self::new("MXInvalidEntityException", "Lead does not exist in the system")
    }

    pub(crate) fn input(what: &str) -> Self {
        Self::new("MXInvalidInputException", format!("Invalid Input! Parameter Name: {what}"))
    }

    pub(crate) fn search_by() -> Self {
        Self::new("MXInvalidInputException", "Invalid SearchBy value provided")
    }

    pub(crate) fn mandatory(message: impl Into<String>) -> Self {
        Self::new("MXMandatoryAttributeMissingException", message)
    }

    /// The message is a guess.
    pub(crate) fn data_type(schema_name: &str, kind: Kind, text: &str) -> Self {
        let kind = kind.data_type();
        Self::new(
            "MXInvalidDataTypeException",
            format!("Invalid value '{text}' for {schema_name}, a {kind} field"),
        )
    }

    /// The message is a guess.
    pub(crate) fn too_long(schema_name: &str, limit: usize) -> Self {
        Self::input(&format!("{schema_name} can not be longer than {limit} characters."))
    }

    /// The message is a guess.
    pub(crate) fn option(schema_name: &str, text: &str) -> Self {
        Self::input(&format!("'{text}' is not an option of {schema_name}."))
    }

    /// The message is a guess.
    pub(crate) fn read_only(schema_name: &str) -> Self {
        Self::new("MXInvalidFieldException", format!("{schema_name} can not be written"))
    }

    pub(crate) fn no_activity() -> Self {
        Self::new("MXUnknownProspectActivityException", "Activity does not exist.")
    }

    pub(crate) fn activity_event() -> Self {
        Self::new("MXInvalidActivityException", "Event Code is invalid or empty")
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.exception, self.message)
    }
}

impl std::error::Error for Refusal {}
