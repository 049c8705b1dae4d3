//! Values as stored in the database.

use jiff::Timestamp;
use plan::problem::Problem;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::error::{Error, Result};
use crate::intake::Origin;

/// A time in milliseconds.
pub(super) fn ms(at: Timestamp) -> i64 {
    at.as_millisecond()
}

/// A row of a table, for the error if something in it can't be read.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) table: &'static str,
    pub(super) row: &'a (dyn std::fmt::Display + Sync),
}

impl Place<'_> {
    pub(super) fn corrupt(&self, what: impl Into<String>) -> Error {
        Error::Corrupt { table: self.table, row: self.row.to_string(), what: what.into() }
    }

    pub(super) fn time(&self, ms: i64) -> Result<Timestamp> {
        Timestamp::from_millisecond(ms)
            .map_err(|_| self.corrupt(format!("{ms} is not a time in milliseconds")))
    }

    pub(super) fn word<T: std::str::FromStr<Err = String>>(&self, word: &str) -> Result<T> {
        word.parse().map_err(|error: String| self.corrupt(error))
    }

    pub(super) fn origin(&self, word: &str) -> Result<Origin> {
        Origin::from_stored(word).ok_or_else(|| self.corrupt(format!("'{word}' is not an origin")))
    }

    pub(super) fn parse<T: DeserializeOwned>(&self, json: &str) -> Result<T> {
        serde_json::from_str(json).map_err(|error| self.corrupt(error.to_string()))
    }

    pub(super) fn problem(&self, json: Option<&str>) -> Result<Option<Problem>> {
        json.map(|json| self.parse(json)).transpose()
    }

    pub(super) fn raw(&self, json: Option<String>) -> Result<Option<Box<RawValue>>> {
        json.map(RawValue::from_string).transpose().map_err(|error| self.corrupt(error.to_string()))
    }

    pub(super) fn count(&self, number: i64) -> Result<u32> {
        u32::try_from(number).map_err(|_| self.corrupt(format!("{number} is not a count")))
    }
}

/// A value as JSON text.
pub(super) fn json<T: Serialize + ?Sized>(value: &T) -> Result<String> {
    serde_json::to_string(value)
        .map_err(|error| Error::Refused(format!("the value can't be stored as JSON: {error}")))
}
