//! One person in the store: finding what is kept of them, and erasing it.

use std::fmt;

use async_trait::async_trait;
use jiff::Timestamp;
use plan::id::AccountId;
use plan::link::Link;
use plan::search::Sought;
use serde::Serialize;

use crate::audit::Actor;
use crate::error::{Error, Result};
use crate::progress::RecordKey;

/// Finding and erasing what is kept of a person.
#[async_trait]
pub trait Privacy: Send + Sync + fmt::Debug {
    /// What is kept of this person.
    ///
    /// # Errors
    /// [`Error::Refused`] if several people have this email address or phone number, unless all of
    /// them are meant.
    async fn person(&self, who: &Who) -> Result<Kept>;

    /// Erases what is kept of this person, except for requests whose work has not ended. Links stay,
    /// with their values replaced by keyed hashes, so that the leads are synced as before. It works
    /// in steps: if it is interrupted, it can be done again.
    ///
    /// # Errors
    /// As for [`Privacy::person`].
    async fn forget(&self, who: &Who, actor: &Actor, now: Timestamp) -> Result<Forgotten>;

    /// Notes in the audit log that what is kept of a person was exported.
    async fn note_export(&self, who: &Who, actor: &Actor, now: Timestamp) -> Result<()>;
}

/// Who is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    text: String,
    forms: Vec<String>,
    all: bool,
}

impl Who {
    /// The person with this email address, phone number or lead ID. `all`: everybody who has it, if
    /// several people do.
    ///
    /// # Errors
    /// [`Error::Refused`] if the text is none of these.
    pub fn of(text: &str, all: bool) -> Result<Self> {
        let text = text.trim();
        let mut terms = Sought::of(text).terms;
        let is_one = terms.len() == 1 && text.contains(|c: char| c == '@' || c.is_ascii_digit());
        match terms.pop().filter(|_| is_one && text.len() <= Self::LONGEST) {
            Some(forms) => Ok(Self { text: text.to_owned(), forms, all }),
            None => Err(Error::Refused(
                "this is not an email address, a phone number or the ID of a lead: pass one of \
                 them, whole"
                    .to_owned(),
            )),
        }
    }

    /// The longest text, in bytes.
    const LONGEST: usize = 320;

    /// As it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The forms in which it may be stored.
    pub(crate) fn forms(&self) -> &[String] {
        &self.forms
    }

    /// Whether everybody who has it is meant.
    pub(crate) fn means_all(&self) -> bool {
        self.all
    }
}

/// A lead of an account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct LeadOf {
    /// The account.
    #[serde(skip)]
    pub account: AccountId,
    /// The lead's ID.
    pub id: String,
}

/// What is kept of a person.
#[derive(Clone, Debug, Default)]
pub struct Kept {
    /// The leads that are this person.
    pub leads: Vec<LeadOf>,
    /// The records that are about them.
    pub records: Vec<RecordKey>,
    /// The links of the leads.
    pub links: Vec<Link>,
    /// The numbers of the reviews of the leads.
    pub reviews: Vec<i64>,
}

/// What was erased.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Forgotten {
    /// How many leads are this person.
    pub leads: u64,
    /// Requests that were deleted, with all that belonged to them.
    pub requests_deleted: u64,
    /// Requests that others are in too, in which this person was masked.
    pub requests_masked: u64,
    /// Calls that were deleted.
    pub calls_deleted: u64,
    /// Calls that others are in too, in which this person was masked.
    pub calls_masked: u64,
    /// Reviews that were deleted.
    pub reviews_deleted: u64,
    /// Emails, audit entries, saved filters and other texts that were masked or deleted.
    pub texts_masked: u64,
    /// Links whose values were replaced by keyed hashes.
    pub links_covered: u64,
    /// Requests that were left, because their work has not ended.
    pub requests_left: u64,
    /// Whether the database was cleaned of what was deleted. If not, somebody was reading it.
    pub is_clean: bool,
}
