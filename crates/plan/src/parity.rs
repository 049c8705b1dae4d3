//! Parity: which linked leads have the values in the destination that the mapping makes of the
//! source's.
//!
//! Both accounts are read once, page by page. For each linked lead of the source a hash of what it
//! sends is kept until its counterpart is read; if the two hashes agree, so do the leads. The
//! others are read again, both at once, and compared value by value.

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::guid;
use crate::json;
use crate::mapping::{Mapped, Mapping};
use crate::metadata::{Field, Kind};
use crate::outcome::{Entity, words};
use crate::payload::Item;
use crate::snapshot::Snapshot;
use crate::text;
use crate::value;

/// How many leads whose hashes differ are read again, and how many of each kind are listed.
pub const MOST_LISTED: usize = 5_000;
/// How many fields of a lead are listed.
const MOST_FIELDS: usize = 50;
/// How much of a value is listed, in characters.
const LONGEST_SHOWN: usize = 200;

words! {
    /// How a lead differs between the two accounts.
    Apart {
        /// Both have it, linked, and some fields differ.
        Differs = "differs",
        /// Only the source has it.
        OnlyHere = "only_here",
        /// Only the destination has it.
        OnlyThere = "only_there",
        /// Both have it by its key, but the two are not linked yet.
        NotLinked = "not_linked",
        /// It is not linked, and several leads of the destination have one of its keys.
        Ambiguous = "ambiguous",
        /// It is linked, and no longer in the source.
        GoneHere = "gone_here",
        /// It is linked, and its counterpart is no longer in the destination.
        GoneThere = "gone_there",
    }
}

/// The result of a comparison.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parity {
    /// Linked leads that both accounts have and the connector syncs.
    pub linked: u64,
    /// Those that agree in every field that the connector writes.
    pub agree: u64,
    /// Those that don't.
    pub differ: u64,
    /// Leads that pass the filter and only the source has.
    pub only_here: u64,
    /// Leads that only the destination has.
    pub only_there: u64,
    /// Leads that both have by their key, not linked yet.
    pub not_linked: u64,
    /// Leads of the source that are not linked, and with a key that several leads of the
    /// destination have.
    #[serde(default)]
    pub ambiguous: u64,
    /// Links whose lead is gone from the source.
    pub gone_here: u64,
    /// Links whose lead is gone from the destination.
    pub gone_there: u64,
    /// Leads of the source that do not pass the filter.
    pub left_out: u64,
    /// Calls that the comparison made.
    pub calls: u64,
}

impl Parity {
    /// The share of the linked leads that agree, in hundredths of a per cent; rounded down, so that 100
    /// % means all.
    pub fn basis_points(&self) -> u32 {
        let all = self.linked.max(1);
        let agree = if self.linked == 0 { 1 } else { self.agree };
        u32::try_from(u128::from(agree) * 10_000 / u128::from(all)).unwrap_or(10_000)
    }

    /// The same as text: `99.98%`.
    pub fn percent(&self) -> String {
        let points = self.basis_points();
        if points == 10_000 {
            return "100%".to_owned();
        }
        format!("{}.{:02}%", points / 100, points % 100)
    }

    /// Whether fewer leads agree than before, by more than leads in the middle of a sync explain.
    pub fn has_fallen(&self, before: &Self) -> bool {
        self.differ > before.differ && self.basis_points() < before.basis_points()
    }
}

/// A lead that differs between the accounts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// How.
    pub apart: Apart,
    /// Its id in the source.
    pub source_id: Option<String>,
    /// Its id in the destination.
    pub destination_id: Option<String>,
    /// What a person recognises it by.
    pub known_as: Option<String>,
    /// The fields that differ.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldApart>,
}

/// A field that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldApart {
    /// The destination's field.
    pub field: String,
    /// The source's value after mapping.
    pub source: String,
    /// The destination's value.
    pub destination: String,
}

/// An id, stored compactly.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Id {
    Guid(u128),
    Other(Box<str>),
}

impl Id {
    fn of(id: &str) -> Self {
        let digits = guid(id).and_then(|id| u128::from_str_radix(&id.replace('-', ""), 16).ok());
        digits.map_or_else(|| Self::Other(id.into()), Self::Guid)
    }

    fn text(&self) -> String {
        match self {
            Self::Guid(number) => guid(&format!("{number:032x}")).expect("32 digits are a GUID"),
            Self::Other(id) => id.to_string(),
        }
    }
}

/// What a linked lead of the source sends.
#[derive(Debug)]
struct Sent {
    source: Id,
    /// The number of the set of fields that it sends.
    fields: u32,
    hash: u64,
    /// Its counterpart is known to be gone.
    is_gone: bool,
}

/// What a lead sends of a field.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Shown {
    Nothing,
    Whole,
    /// These parts of a custom field set.
    Parts(Vec<String>),
}

impl Shown {
    fn of(mapped: &Mapped, field: &Field) -> Self {
        let sent = mapped.get(&field.schema_name).and_then(|field| field.sent.written());
        match sent {
            None => Self::Nothing,
            Some(value) if field.kind == Kind::FieldSet => match json::object(value) {
                Some(parts) => Self::Parts(parts.into_iter().map(|(name, _)| name).collect()),
                None => Self::Whole,
            },
            Some(_) => Self::Whole,
        }
    }
}

/// A running comparison. It takes some 80 bytes per linked lead.
#[derive(Debug, Default)]
pub struct Comparison {
    /// By the id in the destination.
    sent: HashMap<Id, Sent>,
    /// The sets of the destination's fields that leads send.
    sets: Vec<Vec<Shown>>,
    numbers: HashMap<Vec<Shown>, u32>,
    /// Pairs whose hashes differ.
    suspects: Vec<(Id, Id)>,
    /// Pairs with a lead that was not among those read.
    unread: Vec<(Id, Id)>,
    /// The result so far.
    pub parity: Parity,
    /// The listed leads that differ.
    pub differences: Vec<Difference>,
}

impl Comparison {
    /// A lead of the source that is linked to this one of the destination, which may be known to be
    /// gone.
    pub fn take_source(
        &mut self,
        mapping: &Mapping,
        mapped: &Mapped,
        source: &str,
        (there, is_gone): (&str, bool),
    ) {
        let set: Vec<Shown> = mapping.targets().map(|field| Shown::of(mapped, field)).collect();
        let hash = hash(mapping, &set, |name| {
            mapped.get(name).and_then(|field| field.sent.written()).unwrap_or_default()
        });
        let next = u32::try_from(self.sets.len()).unwrap_or(u32::MAX);
        let fields = *self.numbers.entry(set.clone()).or_insert(next);
        if fields == next {
            self.sets.push(set);
        }
        self.sent.insert(Id::of(there), Sent { source: Id::of(source), fields, hash, is_gone });
    }

    /// A lead that only one side has, or that is not linked.
    pub fn take_apart(&mut self, difference: Difference) {
        *self.count(difference.apart) += 1;
        self.list(difference);
    }

    /// A lead of the destination. Returns whether a lead of the source is linked to it.
    pub fn take_destination(&mut self, mapping: &Mapping, lead: &Snapshot) -> bool {
        let Some(id) = lead.lead_id() else { return false };
        let id = Id::of(id.as_str());
        let Some(sent) = self.sent.remove(&id) else { return false };
        let fields = &self.sets[sent.fields as usize];
        let held = hash(mapping, fields, |name| lead.get(name).unwrap_or_default());
        if held == sent.hash {
            self.agrees();
        } else {
            self.suspects.push((sent.source, id));
        }
        true
    }

    /// A link whose lead was not read: the two are read again.
    pub fn suspect(&mut self, source: &str, destination: &str) {
        self.unread.push((Id::of(source), Id::of(destination)));
    }

    fn agrees(&mut self) {
        self.parity.linked += 1;
        self.parity.agree += 1;
    }

    /// The pairs of ids to read again once both accounts were read, the source's first: those with a
    /// lead that was not read, all of them, because many leads that are gone need confirmation, and
    /// then those whose hashes differ. They are removed, up to the given number; once enough that
    /// differ are listed, the rest of those is only counted.
    pub fn take_suspects(&mut self, most: usize) -> Vec<(String, String)> {
        let unread = self.sent.drain().filter(|(_, sent)| !sent.is_gone);
        self.unread.extend(unread.map(|(there, sent)| (sent.source, there)));
        if self.parity.differ >= MOST_LISTED as u64 {
            let rest = self.suspects.len() as u64;
            self.suspects.clear();
            self.parity.linked += rest;
            self.parity.differ += rest;
        }
        let next = if self.unread.is_empty() { &mut self.suspects } else { &mut self.unread };
        let taken = next.split_off(next.len().saturating_sub(most));
        taken.iter().map(|(here, there)| (here.text(), there.text())).collect()
    }

    /// A pair that was read again; `None` for a lead that was not found.
    pub fn compare(
        &mut self,
        mapping: &Mapping,
        (source_id, destination_id): (&str, &str),
        here: Option<&Snapshot>,
        there: Option<&Snapshot>,
    ) {
        let ids = (Some(source_id.to_owned()), Some(destination_id.to_owned()));
        let difference = |apart, known_as, fields| Difference {
            apart,
            source_id: ids.0,
            destination_id: ids.1,
            known_as,
            fields,
        };
        let (Some(here), Some(there)) = (here, there) else {
            let apart = if here.is_none() { Apart::GoneHere } else { Apart::GoneThere };
            let known_as = here.or(there).and_then(known_as);
            self.take_apart(difference(apart, known_as, Vec::new()));
            return;
        };
        let mapped = mapping.apply(&Item::from_state(Entity::Lead, here));
        let fields = differing(mapping, &mapped, there);
        if fields.is_empty() {
            self.agrees();
            return;
        }
        self.parity.linked += 1;
        self.take_apart(difference(Apart::Differs, known_as(here), fields));
    }

    fn count(&mut self, apart: Apart) -> &mut u64 {
        let parity = &mut self.parity;
        match apart {
            Apart::Differs => &mut parity.differ,
            Apart::OnlyHere => &mut parity.only_here,
            Apart::OnlyThere => &mut parity.only_there,
            Apart::NotLinked => &mut parity.not_linked,
            Apart::Ambiguous => &mut parity.ambiguous,
            Apart::GoneHere => &mut parity.gone_here,
            Apart::GoneThere => &mut parity.gone_there,
        }
    }

    fn list(&mut self, difference: Difference) {
        if *self.count(difference.apart) <= MOST_LISTED as u64 {
            self.differences.push(difference);
        }
    }
}

/// What a person recognises a lead by.
pub fn known_as(lead: &Snapshot) -> Option<String> {
    crate::identity::known_as(&Item::from_state(Entity::Lead, lead), None)
}

/// The fields in which the destination's lead differs from what is sent.
fn differing(mapping: &Mapping, mapped: &Mapped, there: &Snapshot) -> Vec<FieldApart> {
    let reading = mapping.reading();
    let shown = |value: &str| value.chars().take(LONGEST_SHOWN).collect();
    let sent = mapped.fields.iter().filter_map(|field| Some((field, field.sent.written()?)));
    let differing = sent.filter_map(|(field, value)| {
        let held = there.get(&field.to).unwrap_or_default();
        (!value::holds(field.kind, value, held, reading)).then(|| FieldApart {
            field: field.to.clone(),
            source: shown(value),
            destination: shown(held),
        })
    });
    differing.take(MOST_FIELDS).collect()
}

/// A field of a lead of the source beside the one of the destination that it goes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Beside {
    /// The source's field; none for a computed value.
    pub from: Option<String>,
    /// The destination's field.
    pub to: String,
    /// The source's value.
    pub source: String,
    /// What would be sent, if that is another text.
    pub sent: Option<String>,
    /// The destination's value.
    pub destination: String,
    /// Whether the destination lacks what would be sent.
    pub differs: bool,
}

/// The fields of two leads side by side that are filled in one of them.
pub fn beside(mapping: &Mapping, here: &Snapshot, there: &Snapshot) -> Vec<Beside> {
    let mapped = mapping.apply(&Item::from_state(Entity::Lead, here));
    let reading = mapping.reading();
    let all = mapped.fields.iter().map(|field| {
        let written = field.sent.written();
        let held = there.get(&field.to).unwrap_or_default();
        let own = field.from.as_deref().and_then(|from| here.get(from)).unwrap_or_default();
        let sent = written.filter(|value| *value != own).map(str::to_owned);
        Beside {
            from: field.from.clone(),
            to: field.to.clone(),
            source: own.to_owned(),
            sent: sent.filter(|value| !value.is_empty()),
            destination: held.to_owned(),
            differs: written.is_some_and(|value| !value::holds(field.kind, value, held, reading)),
        }
    });
    let is_filled = |one: &Beside| {
        [Some(&one.source), one.sent.as_ref(), Some(&one.destination)]
            .into_iter()
            .flatten()
            .any(|text| !text::is_blank(text))
    };
    all.filter(is_filled).collect()
}

/// A hash of the values of the mapping's fields, and parts of fields, that are in a set.
fn hash<'v>(mapping: &Mapping, set: &[Shown], value: impl Fn(&str) -> &'v str) -> u64 {
    let mut hasher = DefaultHasher::new();
    for (field, shown) in mapping.targets().zip(set) {
        let value = match shown {
            Shown::Nothing => continue,
            Shown::Whole => Cow::Borrowed(value(&field.schema_name)),
            Shown::Parts(names) => Cow::Owned(only(names, value(&field.schema_name))),
        };
        if !text::is_blank(&value) {
            value::form(field.kind, &value, mapping.reading()).hash(&mut hasher);
        }
        0_u8.hash(&mut hasher);
    }
    hasher.finish()
}

/// A custom field set with these parts only.
fn only(names: &[String], set: &str) -> String {
    let Some(mut parts) = json::object(set) else { return set.to_owned() };
    parts.retain(|name, _| names.contains(name));
    serde_json::Value::Object(parts).to_string()
}

/// The last, running and requested comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// When one was requested that has not ended yet.
    pub asked_at: Option<Timestamp>,
    /// How many leads of both accounts the running one has read.
    pub read: u64,
    /// When the last one ended.
    pub at: Option<Timestamp>,
    /// Its result.
    pub parity: Option<Parity>,
    /// Why the running one is stuck; it is retried.
    pub problem: Option<crate::problem::Problem>,
    /// How many linked leads were no longer in the source, if more than are marked without
    /// confirmation: they wait for a person.
    pub held: Option<u64>,
}
