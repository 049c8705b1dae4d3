//! What was sent when the two sides last agreed, compared with the source's state and its current
//! mapping.
//!
//! The base goes through the current mapping, so a lossy mapping (two stages that become one)
//! causes no changes itself. What was sent then is stored in the link, so a value that an earlier
//! mapping left out or got wrong is known (`docs/two-way.md#mapping`).

use std::borrow::Cow;

use crate::link::{End, Given};
use crate::mapping::{Mapped, MappedField, Mapping, plain_name};
use crate::payload::Item;
use crate::snapshot::Snapshot;
use crate::value;

/// How a field compares with its side's value when the two last agreed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moved {
    /// Its value then is unknown.
    Unknown,
    /// It was not for the field then: the row was added since, or the two changed independently.
    New,
    Not,
    /// Its value is the same, but the mapping's result differs from then.
    Remapped,
    Yes,
}

/// What a side sent to another one when the two last agreed.
pub(super) struct Past<'a> {
    mapping: &'a Mapping,
    to: &'a End,
    /// The sender's value, in its own format,
    base: Cow<'a, Snapshot>,
    /// and its mapped value.
    before: Mapped,
    /// The mapped value of the stored base, if that differs.
    kept: Option<Mapped>,
}

impl<'a> Past<'a> {
    /// The past of what `from`, in its current state, sends to `to`.
    pub(super) fn of(mapping: &'a Mapping, item: &Item, from: &'a End, to: &'a End) -> Self {
        let base = from.base_beside(&item.state());
        let apply = |base: &Snapshot| mapping.apply(&Item::from_state(item.entity(), base));
        let before = apply(&base);
        let kept = matches!(base, Cow::Owned(_)).then(|| apply(&from.base));
        Self { mapping, to, base, before, kept }
    }

    /// How this value for a field compares with what was sent.
    pub(super) fn moved(&self, field: &MappedField, value: &str) -> Moved {
        let reading = self.mapping.reading();
        let is_same = |old: &str| value::stays(field.kind, value, old, reading);
        let given = self.to.given(&field.to);
        let was = self.before.get(&field.to).and_then(|field| field.sent.written());
        match (was.is_some_and(is_same), given) {
            (_, Some(Given::Unsent)) => Moved::Yes,
            (false, _) if !self.knows(field) => Moved::Unknown,
            (false, _) => Moved::Yes,
            (true, Some(Given::Sent(sent))) if self.is_remapped(field, sent) => Moved::Remapped,
            (true, _) if !self.knows(field) => Moved::Unknown,
            (true, _) => Moved::Not,
        }
    }

    /// Whether the sender's value then is known.
    fn knows(&self, field: &MappedField) -> bool {
        match field.from.as_deref().map(whole) {
            Some(from) => self.base.get(from).is_some(),
            None => !self.base.0.is_empty(),
        }
    }

    /// Whether the mapping's result for the sender's old value differs from then.
    fn is_remapped(&self, field: &MappedField, sent: &str) -> bool {
        self.kept(field)
            .is_some_and(|now| !value::holds(field.kind, now, sent, self.mapping.reading()))
    }

    /// Whether the sender had a value that was not for the field when the two last agreed: the row
    /// was added since.
    pub(super) fn is_new(&self, field: &MappedField) -> bool {
        let is_unheard = self.to.given.is_some() && self.to.given(&field.to).is_none();
        is_unheard && self.kept(field).is_some()
    }

    /// The mapped value of what the sender had.
    fn kept(&self, field: &MappedField) -> Option<&str> {
        self.kept.as_ref().unwrap_or(&self.before).get(&field.to)?.sent.written()
    }

    /// Whether the current mapping would send something else than was sent, whatever the source has
    /// now.
    pub(super) fn is_outdated(&self) -> bool {
        let kept = self.kept.as_ref().unwrap_or(&self.before);
        kept.fields.iter().any(|field| match self.to.given(&field.to) {
            Some(Given::Sent(sent)) => self.is_remapped(field, sent),
            Some(Given::Unsent) => field.sent.written().is_some(),
            Some(Given::Own(_)) => false,
            None => field.sent.written().is_some() && self.is_new(field),
        })
    }
}

/// The field whose part a path names.
pub(super) fn whole(path: &str) -> &str {
    let name = plain_name(path);
    name.split_once('.').map_or(name, |(set, _)| set)
}
