//! The test lead as the subject of questions: reading it, writing to it, and restoring its keys.

use std::sync::atomic::{AtomicBool, Ordering};

use leadsquared::{Automations, Error, Lead, LeadWrite, Written};
use plan::metadata::{Field, FieldList};
use plan::probe::{ADDRESSES, LAST_NAME};

use super::test_lead::PHONE;
use super::{Probe, reason};

/// A value for where any text will do.
pub(super) const SAMPLE: &str = "leadsync test";
/// The test lead's first name at creation.
pub(super) const CREATED: &str = "First";
pub(super) const FIRST_NAME: &str = "FirstName";

/// The name of an answer, or why the question could not be answered.
pub(super) type Answer = Result<&'static str, String>;

/// The account's test lead, and the fields to try.
pub(super) struct Subject<'a> {
    pub(super) probe: &'a Probe<'a>,
    pub(super) fields: &'a FieldList,
    pub(super) id: String,
    /// Whether its keys could not be restored: a write by them might then match another lead.
    is_lost: AtomicBool,
}

impl<'a> Subject<'a> {
    pub(super) fn new(probe: &'a Probe<'a>, fields: &'a FieldList, id: String) -> Self {
        Self { probe, fields, id, is_lost: AtomicBool::new(false) }
    }

    /// Whether its keys could not be restored.
    pub(super) fn is_lost(&self) -> bool {
        self.is_lost.load(Ordering::Relaxed)
    }

    pub(super) async fn update(&self, values: &[(&str, &str)]) -> Result<(), Error> {
        let write = LeadWrite::new(values.iter().copied());
        let client = &self.probe.client;
        let call = || client.update_lead(&self.id, &write, Automations::Quiet);
        self.probe.ask(call).await.result.map(drop)
    }

    pub(super) async fn read(&self) -> Result<Lead, String> {
        let lead = self.probe.read(&self.id).await.map_err(|error| reason(&error))?;
        lead.ok_or_else(|| "the test lead no longer exists".to_owned())
    }

    pub(super) async fn value(&self, field: &str) -> Result<String, String> {
        Ok(self.read().await?.get(field).unwrap_or_default().to_owned())
    }

    /// What a write by a key did to a field of the lead, whose keys are then restored.
    pub(super) async fn after_a_write_by_key(&self, field: &str) -> Result<String, String> {
        let value = self.value(field).await;
        let marks = [("EmailAddress", ADDRESSES[0]), ("Phone", PHONE), ("LastName", LAST_NAME)];
        let is_back = self.update(&marks).await;
        self.is_lost.store(is_back.is_err(), Ordering::Relaxed);
        is_back.map_err(|error| reason(&error))?;
        value
    }

    /// Why a write by a key can't be judged; it may have taken effect.
    pub(super) fn lost(&self, error: &Error) -> String {
        self.is_lost.store(true, Ordering::Relaxed);
        reason(error)
    }

    /// A write by a key with this response may have created another lead.
    pub(super) fn remember(&self, written: &Written) {
        if let Some(id) = written.lead_id() {
            self.probe.remember(id);
        }
    }

    /// A custom field of this kind that can be tried.
    pub(super) fn custom(&self, fits: impl Fn(&Field) -> bool) -> Result<&str, String> {
        let is_free = |field: &&Field| {
            field.schema_name.starts_with("mx_") && !field.unique && !field.read_only
        };
        let found = self.fields.iter().filter(is_free).find(|field| fits(field));
        found
            .map(|field| field.schema_name.as_str())
            .ok_or_else(|| "the account has no custom field to test with".to_owned())
    }

    /// A call was refused, which is the answer if the lead still exists: another program may have
    /// deleted it.
    pub(super) async fn refused(&self, answer: &'static str) -> Answer {
        self.read().await.map(|_| answer)
    }

    /// What happens to a value: refused, stored, or neither.
    pub(super) async fn fate(&self, field: &str, value: &str) -> Answer {
        match self.update(&[(field, value)]).await {
            Err(Error::Refused { .. }) => self.refused("refused").await,
            Err(error) => Err(reason(&error)),
            Ok(()) => Ok(if self.value(field).await? == value { "stored" } else { "ignored" }),
        }
    }
}

/// The test lead with these values.
pub(super) fn lead<'v>(values: &[(&'v str, &'v str)]) -> LeadWrite<'v> {
    let marks = [("EmailAddress", ADDRESSES[0]), ("Phone", PHONE), ("LastName", LAST_NAME)];
    LeadWrite::new(marks.into_iter().chain(values.iter().copied()))
}
