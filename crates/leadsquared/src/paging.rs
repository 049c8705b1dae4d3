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
pub(crate) trait Numbered {
    /// `RowNumber`, from 1.
    fn number(&self) -> Option<usize>;
}

/// The rows of a bulk response. HTTP 200 says nothing about them: good rows are applied although
/// others fail (client code).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows<T>(pub Vec<T>);

#[expect(private_bounds, reason = "only this crate's rows are rows")]
impl<T: Numbered> Rows<T> {
    /// The result of the row that was sent at `index`, from 0: by its `RowNumber`, or by its place
    /// if no row has one.
    pub fn of(&self, index: usize) -> Option<&T> {
        if self.0.iter().all(|row| row.number().is_none()) {
            return self.0.get(index);
        }
        self.0.iter().find(|row| row.number() == Some(index + 1))
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

    #[test]
    fn rows_are_found_by_number_and_else_by_place() {
        let rows: Rows<LeadRow> = serde_json::from_str(
            r#"[{"RowNumber":"2","LeadId":"b"},{"RowNumber":1,"LeadId":"a"}]"#,
        )
        .expect("rows");
        assert_eq!(rows.of(0).and_then(|row| row.lead_id.as_deref()), Some("a"));
        assert_eq!(rows.of(1).and_then(|row| row.lead_id.as_deref()), Some("b"));
        assert_eq!(rows.of(2), None);
        let rows: Rows<LeadRow> =
            serde_json::from_str(r#"{"Response":[{"LeadId":"a"},{"LeadId":"b"}]}"#).expect("rows");
        assert_eq!(rows.of(1).and_then(|row| row.lead_id.as_deref()), Some("b"));
    }
}
