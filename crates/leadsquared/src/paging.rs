//! Pages of rows, and how to request them.

use std::borrow::Cow;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{scalar, time::to_wire};

/// Which page (documented). Each operation has a largest size of its own, and a larger one is
/// refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Paging {
    /// The page, from 1.
    pub page_index: u32,
    /// Rows a page.
    pub page_size: u32,
}

/// The order of rows (documented). Sort by a unique column such as `ProspectAutoId`: rows with
/// equal values change places between calls, so that pages lose and repeat rows (live).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Sorting<'a> {
    /// The schema name of the column.
    pub column_name: Cow<'a, str>,
    /// Ascending or descending.
    pub direction: Direction,
}

impl<'a> Sorting<'a> {
    /// Ascending.
    pub fn ascending(column: impl Into<Cow<'a, str>>) -> Self {
        Self { column_name: column.into(), direction: Direction::Ascending }
    }

    /// Descending.
    pub fn descending(column: impl Into<Cow<'a, str>>) -> Self {
        Self { column_name: column.into(), direction: Direction::Descending }
    }
}

/// The direction of a [`Sorting`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Direction {
    /// Smallest, oldest first: `"0"`.
    #[serde(rename = "0")]
    Ascending,
    /// Largest, newest first: `"1"`.
    #[serde(rename = "1")]
    Descending,
}

/// A span of time in UTC. It is sent in whole seconds, both ends included, while stored times have
/// hidden fractions. Adjacent windows must share their boundary second, or rows between the seconds
/// are lost (live).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// The first second.
    pub from: Timestamp,
    /// The last second.
    pub to: Timestamp,
}

impl Window {
    pub(crate) fn wire(self) -> (String, String) {
        (to_wire(self.from), to_wire(self.to))
    }
}

/// `Columns`: the names joined by commas; left out when there are none, which requests all.
#[derive(Serialize)]
pub(crate) struct Columns<'a> {
    #[serde(rename = "Include_CSV", serialize_with = "joined")]
    names: &'a [&'a str],
}

impl<'a> Columns<'a> {
    pub fn of(names: &'a [&'a str]) -> Option<Self> {
        (!names.is_empty()).then_some(Self { names })
    }
}

fn joined<S: Serializer>(names: &&[&str], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&names.join(","))
}

/// A page of rows. Without rows the list is absent from the response (live).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The number of rows of the whole query, whatever the page.
    pub record_count: u64,
    /// The rows of this page.
    pub rows: Vec<T>,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Page<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(bound(deserialize = "T: Deserialize<'de>"))]
        struct Answer<T> {
            #[serde(default, rename = "RecordCount", deserialize_with = "scalar::count")]
            record_count: Option<u64>,
            #[serde(
                default,
                rename = "Leads",
                alias = "List",
                alias = "ProspectActivities",
                alias = "Response"
            )]
            rows: Option<Vec<T>>,
        }

        let answer = Answer::<T>::deserialize(deserializer)?;
        let (record_count, rows) = match (answer.record_count, answer.rows) {
            (Some(count), rows) => (count, rows.unwrap_or_default()),
            (None, Some(rows)) => (u64::try_from(rows.len()).unwrap_or(u64::MAX), rows),
            (None, None) => return Err(D::Error::custom("neither RecordCount nor a list of rows")),
        };
        Ok(Self { record_count, rows })
    }
}

/// A row of a bulk response that says which row of the request it is about.
pub trait Numbered {
    /// `RowNumber`, from 1 (client code).
    fn number(&self) -> Option<usize>;
}

/// The rows of a bulk response. HTTP 200 says nothing about them: good rows are applied although
/// others fail (client code).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows<T>(pub Vec<T>);

impl<T: Numbered> Rows<T> {
    /// The result of each of the `sent` rows, in the order in which they were sent; `None` where the
    /// response does not say for certain which is which.
    ///
    /// A result is identified by its number alone, not by its position. Numbers count from 1 (client
    /// code), or from 0 (guess) if they start there and do not reach the number of rows; if that is
    /// uncertain, or a number is missing or occurs twice, nothing is known. Nothing else identifies a
    /// result, because it repeats no value of the request. So without numbers only the result of a
    /// single row is known.
    pub fn each(&self, sent: usize) -> Vec<Option<&T>> {
        if let ([only], 1) = (self.0.as_slice(), sent) {
            return vec![Some(only)];
        }
        let numbers = || self.0.iter().filter_map(Numbered::number);
        let (from_zero, from_one) = (numbers().any(|it| it == 0), numbers().any(|it| it == sent));
        let first = match (from_zero, from_one) {
            (true, false) => 0,
            (false, true) => 1,
            // Both can't be true, and if neither is, nothing is known.
            _ => return vec![None; sent],
        };
        let of = |index: usize| {
            let mut rows = self.0.iter().filter(|row| row.number() == Some(index + first));
            rows.next().filter(|_| rows.next().is_none())
        };
        (0..sent).map(of).collect()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Rows<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, bound(deserialize = "T: Deserialize<'de>"))]
        enum Answer<T> {
            Bare(Vec<T>),
            Wrapped {
                #[serde(rename = "Response")]
                rows: Vec<T>,
            },
        }

        Answer::deserialize(deserializer).map(|answer| match answer {
            Answer::Bare(rows) | Answer::Wrapped { rows } => Self(rows),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Lead, LeadRow};

    #[test]
    fn an_absent_list_is_an_empty_page() {
        let page: Page<Lead> = serde_json::from_str(r#"{"RecordCount":0}"#).expect("a page");
        assert_eq!(page, Page { record_count: 0, rows: Vec::new() });
        let page: Page<Lead> =
            serde_json::from_str(r#"{"Leads":null,"RecordCount":"0"}"#).expect("a page");
        assert_eq!(page.record_count, 0);
        assert!(serde_json::from_str::<Page<Lead>>("{}").is_err());
    }

    fn ids(json: &str, sent: usize) -> Vec<Option<String>> {
        let rows: Rows<LeadRow> = serde_json::from_str(json).expect(json);
        rows.each(sent).into_iter().map(|row| row?.lead_id.clone()).collect()
    }

    #[test]
    fn rows_are_found_by_their_numbers() {
        let some = |id: &str| Some(id.to_owned());
        let (one, two) = (r#"{"RowNumber":1,"LeadId":"a"}"#, r#"{"RowNumber":"2","LeadId":"b"}"#);
        let zero = r#"{"RowNumber":0,"LeadId":"z"}"#;
        assert_eq!(ids(&format!("[{two},{one}]"), 2), [some("a"), some("b")]);
        assert_eq!(ids(&format!("[{one},{zero}]"), 2), [some("z"), some("a")], "they begin at 0");
        assert_eq!(ids(&format!("[{two}]"), 2), [None, some("b")]);
        assert_eq!(ids(&format!(r#"{{"Response":[{zero}]}}"#), 1), [some("z")]);
    }

    #[test]
    fn rows_without_certain_numbers_are_nobodys() {
        let (one, two) = (r#"{"RowNumber":1,"LeadId":"a"}"#, r#"{"RowNumber":2,"LeadId":"b"}"#);
        let (zero, none) = (r#"{"RowNumber":0,"LeadId":"z"}"#, r#"{"LeadId":"n"}"#);
        for rows in [
            format!("[{none},{none}]"),
            format!("[{none}]"),
            format!("[{zero},{two}]"),
            format!("[{two},{two}]"),
            format!("[{one}]"),
            "[]".to_owned(),
        ] {
            assert_eq!(ids(&rows, 2), [None, None], "{rows}");
        }
        let rows = format!("[{two},{two},{one},{none}]");
        assert_eq!(ids(&rows, 2), [Some("a".to_owned()), None], "one number comes twice");
    }
}
