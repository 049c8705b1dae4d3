//! Filters of the log that people saved under a name.

use async_trait::async_trait;
use jiff::Timestamp;

use crate::error::Result;

/// Saving filters. Each person has their own.
#[async_trait]
pub trait Views: Send + Sync + std::fmt::Debug {
    /// This person's views, by name.
    async fn views(&self, owner: &str) -> Result<Vec<View>>;

    /// Saves a filter under this name; one of the same name is replaced.
    ///
    /// # Errors
    /// [`Error::Refused`](crate::Error::Refused) if the name is not valid, or for one more than
    /// [`View::MOST`].
    async fn save_view(&self, owner: &str, name: &str, query: &str, now: Timestamp) -> Result<()>;

    /// Gives a view of this person another name; returns whether there is one.
    ///
    /// # Errors
    /// [`Error::Refused`](crate::Error::Refused) if the name is not valid, or another view has it.
    async fn rename_view(&self, owner: &str, id: i64, name: &str) -> Result<bool>;

    /// Removes a view of this person; returns whether there was one.
    async fn remove_view(&self, owner: &str, id: i64) -> Result<bool>;
}

/// A filter of the log under a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    /// Its number.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// The filter, as the query of the list's address.
    pub query: String,
}

impl View {
    /// The maximum number of views of a person.
    pub const MOST: usize = 30;
    /// The maximum length of a name, in characters.
    pub const LONGEST_NAME: usize = 60;
    /// The maximum length of a filter, in bytes.
    pub const LONGEST_QUERY: usize = 2_000;
}
