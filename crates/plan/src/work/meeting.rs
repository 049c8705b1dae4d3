//! Linking two leads that both accounts already had: nothing was agreed about them yet, and what the
//! event changed decides (`docs/two-way.md#first-meeting`).
//!
//! The webhook of an earlier edit may arrive after they were linked: it is *late*.

use super::case::Case;
use super::cell::{Cell, cells};
use super::known::Before;
use super::merge::{Merging, leave, merge};
use super::past::Moved;
use crate::connector::{FirstMeeting, Policy};
use crate::link::{End, Link};
use crate::mapping::Mapped;
use crate::outcome::Entity;
use crate::payload::Item;
use crate::review::{Dispute, Ruling};
use crate::text;
use crate::value::{self, Reading};

/// What the record's event did, if that decides about two leads being linked.
pub(super) enum Event {
    /// Unknown, or the connector does not use it.
    Untold,
    /// Nothing.
    None,
    /// It changed the lead from the mapped first state to the mapped second one.
    From(Box<(Mapped, Mapped, Reading)>),
}

/// What an event did to a field.
pub(super) enum Touch<'a> {
    Untold,
    Not,
    /// Its old value.
    From(&'a str),
}

impl Event {
    pub(super) fn of(case: &Case<'_>) -> Self {
        match case.before {
            _ if case.connector.conflict.first_meeting != FirstMeeting::Changed => Self::Untold,
            Before::Untold => Self::Untold,
            Before::Same => Self::None,
            Before::Was { before, posted } => {
                let apply = |state| case.mapping.apply(&Item::from_state(Entity::Lead, state));
                Self::From(Box::new((apply(before), apply(posted), case.mapping.reading().clone())))
            }
        }
    }

    pub(super) fn touch(&self, cell: &Cell) -> Touch<'_> {
        match self {
            Self::Untold => Touch::Untold,
            Self::None => Touch::Not,
            Self::From(told) => {
                let (before, posted, reading) = &**told;
                let before = before.get(&cell.to).and_then(|field| field.sent.written());
                let posted = posted.get(&cell.to).and_then(|field| field.sent.written());
                let before = before.unwrap_or_default();
                let stays = |value: &str| value::stays(cell.kind, value, before, reading);
                // Changes since it was posted are another event's.
                if stays(&cell.value) || stays(posted.unwrap_or_default()) {
                    Touch::Not
                } else {
                    Touch::From(before)
                }
            }
        }
    }

    /// Whether it changed a field.
    fn changed(&self, cell: &Cell) -> bool {
        matches!(self.touch(cell), Touch::From(_))
    }
}

/// Whether the event changed a field that was left when the two were linked: the edit came before,
/// and its webhook after.
pub(super) fn is_late(case: &Case<'_>, there: &End) -> bool {
    if there.left.is_empty() {
        return false;
    }
    let event = Event::of(case);
    let cells = cells(case.mapping, case.item, case.mapped, None);
    cells.iter().any(|cell| there.left.contains(&cell.to) && event.changed(cell))
}

/// A field that was left, and that the event changed before the two were linked, counts as changed.
pub(super) fn mark_late(cells: &mut [Cell], there: &End, event: &Event) {
    for cell in cells.iter_mut().filter(|cell| there.left.contains(&cell.to)) {
        cell.is_late = event.changed(cell) && cell.moved == Moved::Not;
        cell.moved = if cell.is_late { Moved::Yes } else { cell.moved };
    }
}

/// A field in review counts as changed by both sides until they have the same value.
pub(super) fn mark_disputed(cells: &mut [Cell], end: &End) {
    for cell in cells.iter_mut().filter(|cell| end.disputed.contains(&cell.to)) {
        cell.moved = Moved::Yes;
    }
}

/// The link with a review open: it stores what the bases of the two sides do not show.
pub(super) fn dispute(case: &Case<'_>) -> Option<Link> {
    let lead = case.known.twin.lead.as_ref()?;
    let mut link = case.link?.clone();
    let merge = merge(case, case.opposite?, lead);
    let sides = [case.source, case.destination].map(|account| link.pair.side(account));
    for (side, fields) in sides.into_iter().zip(merge.disputed) {
        let end = link.end_mut(side);
        end.left.retain(|field| !fields.contains(field));
        end.disputed.extend(fields);
    }
    Some(link)
}

/// Whether nothing has been agreed about a field yet.
pub(super) fn meets(cell: &Cell) -> bool {
    matches!(cell.moved, Moved::New | Moved::Unknown)
}

impl Merging<'_> {
    /// Who wins when the two sides are first linked.
    pub(super) fn rule_meeting(&self, mine: &Cell, held: &str) -> Ruling {
        let touch = self.event.touch(mine);
        let is_as_before = match touch {
            Touch::From(before) => {
                value::holds(mine.kind, before, held, self.case.mapping.reading())
            }
            Touch::Untold | Touch::Not => false,
        };
        if text::is_blank(held) || is_as_before {
            return Ruling::Source;
        }
        if text::is_blank(&mine.value) && !matches!(touch, Touch::From(_)) {
            let is_emptied = mine.from.as_deref().is_some_and(|from| self.was_emptied(from));
            return if is_emptied { Ruling::Left } else { Ruling::Destination };
        }
        let policy = self.policy(&mine.to);
        // If there is a review of the lead anyway, it covers everything that differs.
        let is_asked = policy == Policy::Review && self.case.known.conflict.is_some();
        match self.case.connector.conflict.first_meeting {
            FirstMeeting::Changed if matches!(touch, Touch::Not) && !is_asked => Ruling::Left,
            FirstMeeting::Changed => match policy {
                // No edit of the other side is known, and its time may be that of our own write.
                Policy::Newest
                    if mine.is_late
                        || matches!(touch, Touch::From(_)) && self.may_have_written() =>
                {
                    Ruling::Source
                }
                Policy::Newest => self.newest(),
                Policy::Source => Ruling::Source,
                Policy::Destination => Ruling::Destination,
                Policy::FillBlank => Ruling::Left,
                Policy::Review => self.decided(),
            },
            FirstMeeting::FillBlank => Ruling::Left,
            FirstMeeting::Source => Ruling::Source,
            FirstMeeting::Destination => Ruling::Destination,
            FirstMeeting::Newest => self.newest(),
        }
    }

    /// Whether the event emptied a field of the source.
    pub(super) fn was_emptied(&self, field: &str) -> bool {
        let Before::Was { before, .. } = self.case.before else { return false };
        before.filled(field).is_some()
            && text::is_blank(self.here_now.get(field).unwrap_or_default())
    }

    /// Whether we may have written to the destination before.
    fn may_have_written(&self) -> bool {
        self.ends.is_some_and(|(_, there)| there.wrote.is_some() || !there.pending.is_empty())
    }

    /// A review of one field covers all fields that are left and have that policy: the decision is
    /// about the lead.
    pub(super) fn ask_about_all(&mut self, from_source: &[Cell], from_destination: &[Cell]) {
        let waits = |dispute: &Dispute| dispute.ruling == Ruling::Waits;
        if !self.merge.disputes.iter().any(waits) {
            return;
        }
        for at in 0..self.merge.disputes.len() {
            let Dispute { field, ruling, .. } = &self.merge.disputes[at];
            if *ruling != Ruling::Left || self.policy(field) != Policy::Review {
                continue;
            }
            if let Some(cell) = from_source.iter().find(|cell| cell.to == *field) {
                let twin = from_destination.iter().find(|other| cell.is_twin(other));
                leave(&mut self.merge.open, cell, twin);
            }
            self.merge.disputes[at].ruling = Ruling::Waits;
        }
    }

    /// What the destination changed in a field that was left when the two were linked overwrites a
    /// value that may be an earlier edit, whose webhook is on its way: it is listed.
    pub(super) fn list_taken_up(&mut self, cell: &Cell, twin: Option<&Cell>) {
        let was_left = self.ends.is_some_and(|(here, _)| here.left.contains(&cell.to));
        let is_listed = |to: &str| self.merge.disputes.iter().any(|dispute| dispute.field == to);
        let Some(twin) = twin.filter(|twin| was_left && !is_listed(&twin.to)) else { return };
        let destination = self.there_now.get(&twin.to).unwrap_or_default().to_owned();
        let (field, source) = (twin.to.clone(), twin.value.clone());
        let ruling = Ruling::Destination;
        self.merge.disputes.push(Dispute { field, source, destination, ruling });
    }
}
