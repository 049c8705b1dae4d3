//! The directory of an account: which of its leads have which search keys, as far as it has been
//! read.
//!
//! Looking up leads one by one uses up quotas. So the account is read once, page by page, and the
//! store keeps its leads' ids with hashes of their search keys. The directory is a hint and never the
//! truth: a lead that it names is read before it is written, and a lead that it does not name is
//! created by a call that never updates, so that the account itself refuses a duplicate.

use std::collections::BTreeMap;

use crate::id::LeadId;
use crate::identity::{Key, key};
use crate::metadata::Kind;
use crate::phone;
use crate::snapshot::Snapshot;
use crate::text;
use crate::value::Reading;

/// How many trailing digits of a phone number are compared, so that the country code doesn't
/// matter.
const LAST_DIGITS: usize = 9;

/// The form in which the directory keeps the value of a search key; `None` if it is not a key.
///
/// Values that are the same key have the same form. The reverse need not hold, since the lead is read
/// before it counts as a match.
pub fn form(field: &str, kind: Kind, value: &str, reading: &Reading) -> Option<String> {
    if key::fault(kind, value, reading).is_some() {
        return None;
    }
    let value = match kind {
        Kind::Phone => {
            let digits = phone::digits(value);
            digits[digits.len().saturating_sub(LAST_DIGITS)..].to_owned()
        }
        _ => text::compared(&text::visible(value).to_lowercase()).into_owned(),
    };
    Some(format!("{field} {value}"))
}

/// The form of a key by which a lead is looked up; `None` if nothing can be found by it.
pub fn form_of(key: &Key) -> Option<String> {
    form(&key.field, key.kind, &key.value, &Reading::default())
}

/// The forms of a lead's keys in these fields; `None` if it does not show them all.
pub fn forms(
    lead: &Snapshot,
    fields: &BTreeMap<String, Kind>,
    reading: &Reading,
) -> Option<Vec<String>> {
    let mut forms = Vec::with_capacity(fields.len());
    for (field, kind) in fields {
        forms.extend(form(field, *kind, lead.get(field)?, reading));
    }
    Some(forms)
}

/// What the directory of the destination says about a record's keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// The leads that have its key, by the field of the key.
    leads: BTreeMap<String, Vec<LeadId>>,
    /// Whether all leads of the account are in it.
    is_complete: bool,
    /// Whether many such records wait, so that calls can be shared.
    in_backlog: bool,
}

impl Hints {
    /// What a directory, which may be complete, says.
    pub fn new(is_complete: bool, in_backlog: bool) -> Self {
        Self { leads: BTreeMap::new(), is_complete, in_backlog }
    }

    /// These leads have the record's key in this field.
    pub fn add(&mut self, field: &str, leads: impl IntoIterator<Item = LeadId>) {
        self.leads.entry(field.to_owned()).or_default().extend(leads);
    }

    /// The one lead that has this key.
    pub(crate) fn only(&self, key: &Key) -> Option<&LeadId> {
        match self.leads.get(&key.field).map(Vec::as_slice) {
            Some([lead]) => Some(lead),
            _ => None,
        }
    }

    /// Whether no lead has this key.
    pub(crate) fn is_free(&self, key: &Key) -> bool {
        self.is_complete && self.leads.get(&key.field).is_none_or(Vec::is_empty)
    }

    pub(crate) fn in_backlog(&self) -> bool {
        self.in_backlog
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_key_has_the_same_form() {
        let reading = Reading::default();
        let form = |kind, value| form("F", kind, value, &reading);
        for (kind, one, other) in [
            (Kind::Email, "Asha@Example.com", " asha@example.com "),
            (Kind::Phone, "+91-9876543210", "09876 543210"),
            (Kind::Phone, "9876543210", "+919876543210"),
            (Kind::Text, "ABCDE1234F", "abcde1234f\u{200b}"),
        ] {
            assert!(form(kind, one).is_some(), "{one}");
            assert_eq!(form(kind, one), form(kind, other), "{one} {other}");
        }
        assert_ne!(form(Kind::Phone, "9876543210"), form(Kind::Phone, "9876543211"));
        for (kind, none) in [(Kind::Email, "NA"), (Kind::Phone, "0000000000"), (Kind::Text, "")] {
            assert_eq!(form(kind, none), None, "{none}");
        }
    }

    #[test]
    fn a_lead_that_does_not_show_all_keys_has_no_forms() {
        let fields = [("EmailAddress".to_owned(), Kind::Email), ("Phone".to_owned(), Kind::Phone)];
        let forms = |lead: &[(&str, &str)]| {
            forms(&lead.iter().copied().collect(), &fields.clone().into(), &Reading::default())
        };
        assert_eq!(forms(&[("EmailAddress", "a@x.y")]), None);
        let email = vec!["EmailAddress a@x.y".to_owned()];
        assert_eq!(forms(&[("EmailAddress", "a@x.y"), ("Phone", "")]), Some(email));
    }
}
