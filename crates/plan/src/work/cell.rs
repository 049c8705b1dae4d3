//! The values that the two sides send each other.

use super::past::{Moved, Past, whole};
use crate::change::Change;
use crate::link::End;
use crate::mapping::{Mapped, Mapping};
use crate::metadata::Kind;
use crate::payload::Item;
use crate::snapshot::Snapshot;
use crate::value::{self, Reading};

/// A field that somebody changed, and its value in the other side's field.
#[derive(Debug)]
pub(super) struct Own {
    pub(super) from: Option<String>,
    pub(super) to: String,
    pub(super) value: String,
}

/// A value that one side sends to a field of the other.
pub(super) struct Cell {
    pub(super) from: Option<String>,
    pub(super) to: String,
    pub(super) kind: Kind,
    pub(super) value: String,
    pub(super) moved: Moved,
    /// It was changed before the two were linked, and its webhook came after.
    pub(super) is_late: bool,
}

impl Cell {
    /// Whether the two are the same field, seen from both sides.
    pub(super) fn is_twin(&self, other: &Self) -> bool {
        self.from.as_deref() == Some(other.to.as_str())
            || other.from.as_deref() == Some(self.to.as_str())
    }

    /// Whether the other side already has the value. Its value may be that in the account's own
    /// encoding (`Rao &amp; Sons`), unless only this side was changed since: then somebody may just
    /// have removed the encoding.
    pub(super) fn is_held(&self, twin: Option<&Self>, held: &str, reading: &Reading) -> bool {
        let is_alone = twin.is_some_and(|twin| twin.moved == Moved::Not);
        if self.moved == Moved::Yes && is_alone && self.kind != Kind::FieldSet {
            return value::same(self.kind, &self.value, held, reading);
        }
        value::holds(self.kind, &self.value, held, reading)
    }

    pub(super) fn own(&self, twin: Option<&Self>) -> Option<Own> {
        let is_alone = twin.is_none_or(|twin| {
            matches!(twin.moved, Moved::Not | Moved::Remapped)
                || (self.moved, twin.moved) == (Moved::Unknown, Moved::Unknown)
        });
        let own =
            || Own { from: self.from.clone(), to: self.to.clone(), value: self.value.clone() };
        is_alone.then(own)
    }

    pub(super) fn change(&self, before: &str) -> Change {
        let mut change = Change::new(&self.to, self.kind, &self.value);
        change.before = Some(before.to_owned());
        change
    }
}

/// What a side sends, field by field, along with what it sent when the two last agreed. `ends` are
/// its own and the other's.
pub(super) fn cells(
    mapping: &Mapping,
    item: &Item,
    mapped: &Mapped,
    ends: Option<(&End, &End)>,
) -> Vec<Cell> {
    let past = ends.map(|(from, to)| Past::of(mapping, item, from, to));
    let cell = |field: &crate::mapping::MappedField| {
        let value = field.sent.written()?.to_owned();
        let moved = past.as_ref().map_or(Moved::Unknown, |past| past.moved(field, &value));
        let is_new = past.as_ref().is_some_and(|past| past.is_new(field));
        let moved = if moved == Moved::Not && is_new { Moved::New } else { moved };
        let from = field.from.as_deref().map(|from| whole(from).to_owned());
        Some(Cell { from, to: field.to.clone(), kind: field.kind, value, moved, is_late: false })
    };
    mapped.fields.iter().filter_map(cell).collect()
}

/// A value is counted as written to a field if a write in doubt took effect.
pub(super) fn landed(cells: &mut [Cell], end: &End, state: &Snapshot) {
    for cell in cells.iter_mut().filter(|cell| end.has_landed(&cell.to, state)) {
        cell.moved = Moved::Yes;
    }
}
