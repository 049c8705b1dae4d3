//! Who wins if the two sides do not agree about a field.

use super::cell::Cell;
use super::meeting::meets;
use super::merge::{Merging, leave};
use super::past::{Moved, whole};
use crate::connector::Policy;
use crate::link::Given;
use crate::mapping::Unsent;
use crate::outcome::Entity;
use crate::payload::Item;
use crate::review::{Choice, Dispute, Ruled, Ruling};
use crate::text;
use crate::value;

impl Merging<'_> {
    /// Whether the source changed a field, for which the destination sends this, to a value that can't
    /// be sent.
    pub(super) fn is_owed(&self, cell: &Cell) -> bool {
        let Some((here, there)) = self.ends else { return false };
        let is_its = |owed: &&Unsent| {
            owed.from.as_deref().map(whole) == Some(cell.to.as_str())
                && cell.from.as_deref() == Some(owed.to.as_str())
        };
        let owed = self.mapped.owed().find(is_its);
        let base = here.base_beside(self.here_now);
        // If the two have not agreed about it, it is unknown who changed it.
        let is_met = base.get(&cell.to).is_some() || !meets(cell);
        owed.is_some_and(|owed| {
            there.given(&owed.to) == Some(&Given::Unsent)
                || is_met && base.get(&cell.to) != self.here_now.get(&cell.to)
        })
    }

    /// Whether the destination's value is written over one that the source can't send. If not, both
    /// stay, and nothing is settled.
    pub(super) fn rule_unsent(&mut self, cell: &Cell, held: &str) -> bool {
        let Some(to) = cell.from.clone() else { return true };
        let there = self.there_now.get(&to).unwrap_or_default();
        let ruling = self.rule_both(&to, there);
        if ruling != Ruling::Destination {
            leave(&mut self.merge.open, cell, None);
            let (source, destination) = (held.to_owned(), there.to_owned());
            self.merge.disputes.push(Dispute { field: to, source, destination, ruling });
        }
        ruling == Ruling::Destination
    }

    /// Who wins if the two sides do not agree. `mine` is what the source sends, `theirs` what the
    /// destination sends, and `held` what the destination has.
    pub(super) fn rule(&self, mine: &Cell, theirs: &Cell, held: &str) -> Ruling {
        match (mine.moved, theirs.moved) {
            (Moved::Yes, Moved::Not) if mine.is_late => self.rule_meeting(mine, held),
            (Moved::Yes | Moved::Remapped | Moved::Unknown, Moved::Not) => Ruling::Source,
            // The value there is ours, from a write without a response.
            (Moved::Yes, Moved::Unknown) if self.has_landed(&mine.to) => Ruling::Source,
            // A person's change is newer than a changed mapping of an old value.
            (Moved::Remapped, Moved::Yes) if self.policy(&mine.to) == Policy::Newest => {
                Ruling::Destination
            }
            (Moved::Yes, Moved::Remapped) if self.policy(&mine.to) == Policy::Newest => {
                Ruling::Source
            }
            (Moved::Yes | Moved::Remapped, Moved::Yes | Moved::Remapped) => {
                self.rule_both(&mine.to, held)
            }
            _ => self.rule_meeting(mine, held),
        }
    }

    /// Whether the destination may show a write of ours that got no response.
    pub(super) fn has_landed(&self, to: &str) -> bool {
        self.ends.is_some_and(|(_, there)| there.has_landed(to, self.there_now))
    }

    /// Whether the source holds what the destination sends.
    pub(super) fn is_here(&self, cell: &Cell) -> bool {
        let held = self.here_now.get(&cell.to).unwrap_or_default();
        value::holds(cell.kind, &cell.value, held, self.opposite.mapping.reading())
    }

    /// Who wins if both sides have something else than they agreed on.
    pub(super) fn rule_both(&self, to: &str, held: &str) -> Ruling {
        match self.policy(to) {
            Policy::Newest => self.newest(),
            Policy::Source => Ruling::Source,
            Policy::FillBlank if text::is_blank(held) => Ruling::Source,
            Policy::FillBlank | Policy::Destination => Ruling::Destination,
            Policy::Review => self.decided(),
        }
    }

    /// What a person decided, if the policy is to ask.
    pub(super) fn decided(&self) -> Ruling {
        match &self.case.known.conflict {
            Some(Ruled::Decided(Choice::Source)) => Ruling::Source,
            Some(Ruled::Decided(Choice::Destination)) => Ruling::Destination,
            _ => Ruling::Waits,
        }
    }

    pub(super) fn policy(&self, to: &str) -> Policy {
        let row = self.case.mapping.row_to(to).and_then(|row| row.conflict);
        row.unwrap_or(self.case.connector.conflict.policy)
    }

    /// The side that was changed last, by the accounts' own times. They have whole seconds, so
    /// there are ties; then the first account of the pair wins, in either direction.
    pub(super) fn newest(&self) -> Ruling {
        let there = Item::from_state(Entity::Lead, self.there_now).modified_on();
        let here = Item::from_state(Entity::Lead, self.here_now).modified_on();
        let is_first = self.case.source < self.case.destination;
        match (here, there) {
            (Some(here), Some(there)) if here > there => Ruling::Source,
            (Some(here), Some(there)) if here < there => Ruling::Destination,
            (Some(_), None) => Ruling::Source,
            (None, Some(_)) => Ruling::Destination,
            _ if is_first => Ruling::Source,
            _ => Ruling::Destination,
        }
    }
}
