//! The account's contents.

use super::{LeadFields, Sandbox};
use crate::account::{Account, Version};
use crate::metadata::Field;
use std::collections::BTreeMap;
use std::sync::Arc;

impl Sandbox {
    /// A lead as a flat map of all its fields.
    pub fn lead(&self, id: &str) -> Option<LeadFields> {
        self.with(|account| Some(shown(account, account.ledger.slot(id)?)))
    }

    /// The ids of all leads, oldest first.
    pub fn leads(&self) -> Vec<String> {
        self.with(|account| account.ledger.leads().map(|lead| lead.id.to_string()).collect())
    }

    /// How many leads there are.
    pub fn lead_count(&self) -> usize {
        self.with(|account| account.ledger.len())
    }

    /// The ids of the leads with this value in this field, oldest first.
    pub fn find_leads(&self, field: &str, value: &str) -> Vec<String> {
        self.with(|account| {
            let Some(no) = account.setup.number(field) else { return Vec::new() };
            let setup = &account.setup;
            let has =
                |lead: &crate::lead::Lead| lead.text(setup, no).is_some_and(|text| text == value);
            account
                .ledger
                .leads()
                .filter(|lead| has(lead))
                .map(|lead| lead.id.to_string())
                .collect()
        })
    }

    /// The ids of the leads whose name, email or phone number contains this, the last changed
    /// first.
    pub(crate) fn search(&self, q: &str) -> Vec<String> {
        let q = q.to_lowercase();
        self.with(|account| {
            let known = &account.setup.known;
            let places = [known.names[0], known.names[1], known.email, known.phone, known.mobile];
            let has = |lead: &crate::lead::Lead| {
                let texts = places.iter().filter_map(|&no| lead.stored(no));
                let all: Vec<String> = texts.map(|text| text.to_lowercase()).collect();
                all.join(" ").contains(&q)
            };
            let mut found: Vec<_> = account.ledger.leads().filter(|lead| has(lead)).collect();
            found.sort_by_key(|lead| std::cmp::Reverse(lead.modified_on));
            found.into_iter().map(|lead| lead.id.to_string()).collect()
        })
    }

    /// The fields that people may write, in order.
    pub(crate) fn writable_fields(&self) -> Vec<Field> {
        self.with(|account| {
            let setup = &account.setup;
            let fields = setup.order.iter().map(|&no| setup.field(no));
            fields.filter(|field| field.is_writable()).cloned().collect()
        })
    }

    /// The changes of a lead, oldest first; empty if it does not exist.
    pub fn history(&self, id: &str) -> Vec<Version> {
        self.with(|account| {
            let record = account.ledger.slot(id).and_then(|slot| account.ledger.record(slot));
            record.map(|record| record.history.clone()).unwrap_or_default()
        })
    }

    /// A lead's activities, oldest first: event code, note and fields.
    pub fn activities(&self, lead_id: &str) -> Vec<(u32, String, BTreeMap<String, String>)> {
        self.with(|account| {
            let Some(slot) = account.ledger.slot(lead_id) else { return Vec::new() };
            let own = |(name, value): (&Arc<str>, &Arc<str>)| (name.to_string(), value.to_string());
            account
                .activities
                .of_lead(slot)
                .map(|one| (one.event, one.note.clone(), one.fields.iter().map(own).collect()))
                .collect()
        })
    }
}

fn shown(account: &Account, slot: u32) -> LeadFields {
    let setup = &account.setup;
    let lead = account.ledger.lead(slot);
    setup
        .order
        .iter()
        .map(|&no| {
            let value = lead.text(setup, no).map(std::borrow::Cow::into_owned);
            (setup.field(no).schema_name.to_string(), value)
        })
        .collect()
}
