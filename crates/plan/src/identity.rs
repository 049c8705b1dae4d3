//! What identifies a lead.

pub mod key;

use serde::Serialize;

use crate::connector::Basic;
use crate::mapping::Mapped;
use crate::metadata::Kind;
use crate::payload::{Found, Item};
use crate::phone;
use crate::search;
use crate::text;
use crate::value::Reading;
use key::NoKey;

/// A value by which the destination can find a lead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Key {
    /// The destination's field by schema name.
    pub field: String,
    /// The new kind.
    #[serde(skip)]
    pub kind: Kind,
    /// The value, in the form that the destination takes.
    pub value: String,
}

impl Key {
    /// What two records share that may be the same person: they must not be processed at the same
    /// time. It names no account and no field, so that a record and the echo of its own creation,
    /// which comes from the other side, share it.
    pub fn lane(&self) -> String {
        match self.kind {
            Kind::Phone => format!("phone {}", phone::digits(&self.value)),
            _ => text::compared(&self.value.to_lowercase()).into_owned(),
        }
    }
}

/// The keys of a record, primary first. Only what identifies one person is among them
/// ([`key::fault`]).
pub fn keys(basic: &Basic, mapped: &Mapped, reading: &Reading) -> Vec<Key> {
    let is_key = |key: &Key| key::fault(key.kind, &key.value, reading).is_none();
    filled(basic, mapped).into_iter().filter(is_key).collect()
}

/// The values in a record's search keys that are not usable as keys, and why.
pub fn no_keys(basic: &Basic, mapped: &Mapped, reading: &Reading) -> Vec<(Key, NoKey)> {
    let fault = |key: Key| key::fault(key.kind, &key.value, reading).map(|fault| (key, fault));
    filled(basic, mapped).into_iter().filter_map(fault).collect()
}

/// All values in a record's search keys, primary first.
pub fn filled(basic: &Basic, mapped: &Mapped) -> Vec<Key> {
    let secondary = basic.secondary_search_by.as_deref();
    std::iter::once(basic.search_by.as_str())
        .chain(secondary.filter(|name| *name != basic.search_by))
        .filter_map(|name| {
            let field = mapped.get(name)?;
            let value = field.sent.value()?.to_owned();
            Some(Key { field: name.to_owned(), kind: field.kind, value })
        })
        .collect()
}

/// The values by which this record can be found in the log: ids of the lead and the activity, email
/// addresses, phone numbers and the words of its name.
pub fn mentions(
    item: &Item,
    mapped: Option<&Mapped>,
    keys: &[Key],
    destination_id: Option<&str>,
) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    let mut add = |text: String| {
        let can_be_kept = text.len() <= LONGEST_MENTION && !text.contains(char::is_control);
        if !text.is_empty() && can_be_kept && !all.contains(&text) {
            all.push(text);
        }
    };
    let lead_id = item.lead_id().map(String::from);
    for id in [item.id(), lead_id, destination_id.map(str::to_owned)].into_iter().flatten() {
        add(mention(&id));
    }
    for name in ["EmailAddress", "Phone", "Mobile"] {
        if let Found::Text(text) = item.find(name) {
            if name == "EmailAddress" {
                email_mentions(&text).into_iter().for_each(&mut add);
            } else {
                phone_mentions(&text).into_iter().for_each(&mut add);
            }
        }
    }
    for name in ["FirstName", "LastName"] {
        if let Found::Text(text) = item.find(name) {
            for word in search::words(&text).into_iter().take(MOST_WORDS) {
                // The second part of a double name.
                word.split(['-', '–'])
                    .skip(1)
                    .filter(|part| part.len() > 1)
                    .for_each(|part| add(part.to_owned()));
                search::without_accents(&word).into_iter().for_each(&mut add);
                add(word);
            }
        }
    }
    let fields = mapped.map_or(&[][..], |mapped| &mapped.fields);
    let written = fields
        .iter()
        .filter(|field| matches!(field.kind, Kind::Phone | Kind::Email))
        .filter_map(|field| Some((field.kind, field.sent.value()?)));
    for (kind, value) in written.chain(keys.iter().map(|key| (key.kind, key.value.as_str()))) {
        match kind {
            Kind::Phone => phone_mentions(value).into_iter().for_each(&mut add),
            Kind::Email => email_mentions(value).into_iter().for_each(&mut add),
            _ => add(mention(value)),
        }
    }
    all
}

/// An email address, from its start and from the start of each further part of its name:
/// `asha.nair@x.in` is also found by `nair@` or `nai`. Not by its domain alone, which many share.
fn email_mentions(text: &str) -> Vec<String> {
    let whole = mention(text);
    let mut forms = Vec::new();
    if let Some((name, _)) = whole.split_once('@') {
        let starts = name.match_indices(['.', '_', '-', '+']).map(|(at, _)| at + 1);
        let parts = starts.filter(|at| *at < name.len()).take(MOST_WORDS);
        forms.extend(parts.map(|at| whole[at..].to_owned()));
    }
    forms.insert(0, whole);
    forms
}

/// The forms in which a phone number is searched for, from its start and from its end. A value that is
/// not a phone number, such as `98XXXXXX50`, is kept as typed.
fn phone_mentions(text: &str) -> Vec<String> {
    let mut forms = phone::search_forms(text);
    if forms.is_empty() {
        return vec![mention(text)];
    }
    let ends: Vec<String> = phone::runs(text)
        .into_iter()
        .filter_map(|run| phone::search_forms(run).first().map(|form| phone::backwards(form)))
        .collect();
    forms.extend(ends);
    forms
}

/// What a person recognises a record by: its lead's email address, or else a phone number, as
/// written; or what the destination is sent if the source has neither.
pub fn known_as(item: &Item, mapped: Option<&Mapped>) -> Option<String> {
    let written = ["EmailAddress", "Phone", "Mobile"].into_iter().find_map(|name| {
        let Found::Text(text) = item.find(name) else { return None };
        shown(&text)
    });
    let sent = |kind| {
        let mut fields = mapped?.fields.iter().filter(move |field| field.kind == kind);
        fields.find_map(|field| shown(field.sent.value()?))
    };
    written.or_else(|| sent(Kind::Email)).or_else(|| sent(Kind::Phone))
}

/// The name of a record's lead, as the source shows it.
pub fn name(item: &Item) -> Option<String> {
    let part = |name| match item.find(name) {
        Found::Text(text) => shown(&text),
        _ => None,
    };
    let parts: Vec<String> = ["FirstName", "LastName"].into_iter().filter_map(part).collect();
    shown(&parts.join(" "))
}

fn shown(text: &str) -> Option<String> {
    let text = text.trim();
    let can_be_kept = text.len() <= LONGEST_MENTION && !text.contains(char::is_control);
    (!text.is_empty() && can_be_kept).then(|| text.to_owned())
}

/// The form in which a text is stored and searched.
pub fn mention(text: &str) -> String {
    text::compared(&text.trim().to_lowercase()).trim().to_owned()
}

/// More words of a name are not kept.
const MOST_WORDS: usize = 4;

/// Longer texts are not ids, addresses or numbers; nor are those with control characters, not all
/// of which PostgreSQL can store.
const LONGEST_MENTION: usize = 320;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::payload;

    #[test]
    fn a_record_is_known_by_its_email_address_or_its_phone_number() {
        let known_as = |body: &str| {
            let item = payload::read(body.as_bytes(), None).unwrap().remove(0).unwrap();
            super::known_as(&item, None)
        };
        for (body, expected) in [
            (r#"{"ProspectID":"a","EmailAddress":" Asha@x.y ","Phone":"1"}"#, Some("Asha@x.y")),
            (r#"{"ProspectID":"a","EmailAddress":"","Mobile":"+91-99"}"#, Some("+91-99")),
            (r#"{"ProspectID":"a","EmailAddress":"a\u0000@x.y"}"#, None),
            (r#"{"ProspectID":"a"}"#, None),
        ] {
            assert_eq!(known_as(body).as_deref(), expected, "{body}");
        }
    }

    #[test]
    fn a_lead_has_the_name_that_the_source_shows() {
        for (body, expected) in [
            (r#"{"ProspectID":"a","FirstName":" Asha ","LastName":"Nair"}"#, Some("Asha Nair")),
            (r#"{"ProspectID":"a","LastName":"Nair"}"#, Some("Nair")),
            (r#"{"ProspectID":"a","FirstName":" ","LastName":null}"#, None),
            (r#"{"ProspectID":"a"}"#, None),
        ] {
            let item = payload::read(body.as_bytes(), None).unwrap().remove(0).unwrap();
            assert_eq!(super::name(&item).as_deref(), expected, "{body}");
        }
    }

    #[test]
    fn what_can_not_be_kept_is_not_mentioned() {
        let body = br#"{"ProspectID":"a","EmailAddress":"a\u0000@x.y"}"#;
        let item = payload::read(body, None).unwrap().remove(0).unwrap();
        assert_eq!(mentions(&item, None, &[], None), ["a"]);
    }

    #[test]
    fn two_spellings_of_a_key_share_a_lane() {
        let key = |kind, value: &str| Key { field: "F".into(), kind, value: value.into() }.lane();
        assert_eq!(key(Kind::Phone, "+91-9988776655"), key(Kind::Phone, "+919988776655"));
        assert_eq!(key(Kind::Email, "A@x.y"), key(Kind::Email, "a@X.Y"));
        assert_ne!(key(Kind::Text, "1"), key(Kind::Text, "2"));
    }
}
