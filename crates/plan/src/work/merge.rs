//! In a pair of connectors, what both sides changed since they last agreed is merged field by
//! field, so that both end up equal (`docs/two-way.md#merge`).
//!
//! The merge is symmetric: whichever side's webhook triggered it, it sees what both sides changed
//! and writes to both. So the next webhook of one side makes up for one that was lost on the other.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::asked;
use super::case::{Case, Opposite};
use super::cell::{Cell, Own, cells, landed};
use super::decision::Tripped;
use super::meeting::{self, Event, Touch, meets};
use super::past::{Moved, whole};
use crate::change::Change;
use crate::connector::Behaviour;
use crate::link::End;
use crate::mapping::{Mapped, Verdict};
use crate::outcome::Entity;
use crate::payload::Item;
use crate::review::{Dispute, Reason, Review, Ruling};
use crate::snapshot::Snapshot;
use crate::text;
use crate::value;

/// What has to be written for both sides to be equal.
#[derive(Debug, Default)]
pub(super) struct Merge {
    pub(super) to_destination: Vec<Change>,
    pub(super) to_source: Vec<Change>,
    pub(super) disputes: Vec<Dispute>,
    /// Fields that went back and forth so often that they are now frozen: the destination's, or
    /// those of the source that are written back.
    pub(super) tripped: Vec<Tripped>,
    /// Fields of the source and of the destination whose base stays as it is, because they are not
    /// settled.
    pub(super) open: [BTreeSet<String>; 2],
    /// Fields of both that have differed since the two were linked, and were left so.
    pub(super) left: [BTreeSet<String>; 2],
    /// Fields of both in review that the link does not yet mark as unsettled.
    pub(super) disputed: [BTreeSet<String>; 2],
    /// Fields that only somebody in the source, and only somebody in the destination, changed.
    pub(super) own: [Vec<Own>; 2],
}

/// Whether the source shows anything that differs from what was last synced, as far as can be told
/// without looking at the destination.
pub(super) fn source_moved(case: &Case<'_>, here: &End, there: &End) -> bool {
    has_moved(case, here, there)
        || has_unmet_blank(case, here)
        || !there.disputed.is_empty()
        || meeting::is_late(case, there)
}

/// Whether the source sends anything that differs from what was last synced.
pub(super) fn has_moved(case: &Case<'_>, here: &End, there: &End) -> bool {
    let cells = cells(case.mapping, case.item, case.mapped, Some((here, there)));
    cells.iter().any(|cell| cell.moved != Moved::Not)
}

/// Whether the source shows a field as empty about which the two have not agreed: their merge was
/// interrupted, and edits before it continues must count as changes.
fn has_unmet_blank(case: &Case<'_>, here: &End) -> bool {
    let read = case.mapping.read_part(case.item);
    read.0.iter().any(|(field, value)| text::is_blank(value) && here.base.get(field).is_none())
}

/// Merges what the two sides changed. `lead` is what the destination shows.
pub(super) fn merge(case: &Case<'_>, opposite: Opposite<'_>, lead: &Snapshot) -> Merge {
    // What was agreed with a lead that is gone does not apply to another one found in its place.
    let ends = case
        .link
        .map(|link| case.ends(link))
        .filter(|(_, there)| lead.lead_id().is_some_and(|id| id.as_str() == there.id));
    let there_now = overlaid(lead, &case.known.twin.wrote);
    let here_now = overlaid(&case.item.state(), &case.known.twin.wrote_back);
    let here_item = if case.known.twin.wrote_back.is_empty() {
        Cow::Borrowed(case.item)
    } else {
        Cow::Owned(Item::from_state(Entity::Lead, &here_now))
    };
    let mapped = match &here_item {
        Cow::Borrowed(_) => Cow::Borrowed(case.mapped),
        Cow::Owned(item) => Cow::Owned(case.mapping.apply(item)),
    };
    let mut from_source = cells(case.mapping, &here_item, &mapped, ends);
    let there_item = Item::from_state(Entity::Lead, &there_now);
    let flows_back = matches!(
        opposite.connector.lead.behaviour,
        Behaviour::CreateAndUpdate | Behaviour::UpdateOnly
    );
    let passes_back = passes_back(opposite, &there_item, ends.is_some());
    let back = if flows_back { opposite.mapping.apply(&there_item) } else { Mapped::default() };
    let back_ends = ends.map(|(here, there)| (there, here));
    let mut from_destination = cells(opposite.mapping, &there_item, &back, back_ends);
    if let Some((here, there)) = ends {
        // What we wrote may come from an older state than the current one.
        landed(&mut from_source, there, &there_now);
        landed(&mut from_destination, here, &here_now);
        meeting::mark_disputed(&mut from_source, there);
        meeting::mark_disputed(&mut from_destination, here);
    }
    let event = Event::of(case);
    if let Some((_, there)) = ends {
        meeting::mark_late(&mut from_source, there, &event);
    }
    if case.known.twin.overridden {
        for cell in &mut from_destination {
            let is_sent = from_source.iter().any(|other| other.is_twin(cell));
            cell.moved = if is_sent { Moved::Not } else { cell.moved };
        }
        for cell in &mut from_source {
            (cell.moved, cell.is_late) = (Moved::Yes, false);
        }
    }
    let mut merging = Merging {
        event,
        case,
        opposite,
        passes_back,
        ends,
        mapped: &mapped,
        back: &back,
        here_now: &here_now,
        there_now: &there_now,
        merge: Merge::default(),
    };
    for cell in &from_source {
        let twin = from_destination.iter().find(|other| cell.is_twin(other));
        merging.send(cell, twin);
    }
    merging.ask_about_all(&from_source, &from_destination);
    for cell in &from_destination {
        let twin = from_source.iter().find(|other| cell.is_twin(other));
        merging.send_back(cell, twin);
    }
    merging.merge
}

/// Whether the opposite connector's filter lets the destination's lead pass.
fn passes_back(opposite: Opposite<'_>, there: &Item, is_linked: bool) -> bool {
    is_linked && opposite.mapping.filter().lets_linked_pass()
        || opposite.mapping.judge(there, true) == Verdict::Passes
}

pub(super) fn overlaid(state: &Snapshot, written: &[Change]) -> Snapshot {
    let mut state = state.clone();
    for change in written {
        state.put(change.to.as_str(), change.value.as_str());
    }
    state
}

pub(super) struct Merging<'a> {
    pub(super) case: &'a Case<'a>,
    pub(super) event: Event,
    pub(super) opposite: Opposite<'a>,
    /// Whether the destination's lead passes the opposite connector's filter. If not, nothing is written
    /// back, and its changes are synced once it passes.
    pub(super) passes_back: bool,
    pub(super) ends: Option<(&'a End, &'a End)>,
    /// What the source currently sends, and what the destination sends back.
    pub(super) mapped: &'a Mapped,
    pub(super) back: &'a Mapped,
    pub(super) here_now: &'a Snapshot,
    pub(super) there_now: &'a Snapshot,
    pub(super) merge: Merge,
}

impl Merging<'_> {
    /// A value that the source sends.
    fn send(&mut self, cell: &Cell, twin: Option<&Cell>) {
        let held = self.there_now.get(&cell.to).unwrap_or_default();
        let reading = self.case.mapping.reading();
        let is_same = cell.is_held(twin, held, reading);
        // A lead that already has what is sent counts as written.
        let is_found = cell.moved == Moved::Unknown && is_same;
        self.merge.own[0].extend(cell.own(twin).filter(|_| cell.moved == Moved::Yes || is_found));
        let is_new = cell.moved == Moved::New || twin.is_some_and(|twin| twin.moved == Moved::New);
        let was_left = self.ends.is_some_and(|(_, there)| there.left.contains(&cell.to));
        let stays = cell.moved == Moved::Not && twin.is_none_or(|twin| twin.moved == Moved::Not);
        if stays && !is_same && was_left {
            leave(&mut self.merge.left, cell, twin);
        }
        if cell.moved == Moved::Not && !is_new || is_same || self.case.leaves_out(&cell.to) {
            return;
        }
        if is_new && twin.is_some_and(|twin| self.is_here(twin)) {
            return;
        }
        let meets_unsent = (meets(cell) || cell.is_late) && is_unsent(self.back, cell);
        let mut ruling = match twin {
            Some(twin) => self.rule(cell, twin, held),
            None if meets_unsent => match self.rule_meeting(cell, held) {
                // It can't be sent here, so there is nothing to choose for a late edit either.
                Ruling::Destination => Ruling::Left,
                Ruling::Waits if cell.is_late => Ruling::Left,
                ruling => ruling,
            },
            // The field is synced in this direction only.
            None => Ruling::Source,
        };
        if ruling == Ruling::Source && !self.write_there(cell, twin, held) {
            ruling = Ruling::Frozen;
        }
        // No other record sees that it was changed; the link says so, so that none settles the
        // unanswered question.
        if ruling == Ruling::Waits && cell.is_late {
            leave(&mut self.merge.disputed, cell, twin);
        }
        // What the destination sends is handled later.
        if matches!(ruling, Ruling::Waits | Ruling::Frozen) {
            leave(&mut self.merge.open, cell, twin);
        }
        // An event that changed it may be on its way.
        if ruling == Ruling::Left && matches!(self.event.touch(cell), Touch::Not) {
            leave(&mut self.merge.left, cell, twin);
        }
        let meets_twin = is_new || cell.is_late;
        let is_met = twin.is_some_and(|it| it.moved != Moved::Not || meets_twin) || meets_unsent;
        // The other side's value may be an edit from before the two were linked, whose webhook is on
        // its way.
        let is_disputed = (is_met || was_left) && !held.is_empty();
        if is_disputed || ruling == Ruling::Frozen {
            self.merge.disputes.push(Dispute {
                field: cell.to.clone(),
                source: cell.value.clone(),
                destination: held.to_owned(),
                ruling,
            });
        }
    }

    /// A value that the destination sends back.
    fn send_back(&mut self, cell: &Cell, twin: Option<&Cell>) {
        self.merge.own[1].extend(cell.own(twin).filter(|_| cell.moved == Moved::Yes));
        let held = self.here_now.get(&cell.to).unwrap_or_default();
        let reading = self.opposite.mapping.reading();
        let twin_meets = twin.is_some_and(|twin| twin.moved == Moved::New || twin.is_late);
        if cell.moved == Moved::Not && !twin_meets || cell.is_held(twin, held, reading) {
            return;
        }
        let writes = match twin {
            Some(twin) if twin.moved != Moved::Not || cell.moved == Moved::New => {
                let there = self.there_now.get(&twin.to).unwrap_or_default();
                let agrees =
                    value::holds(twin.kind, &twin.value, there, self.case.mapping.reading());
                !agrees && self.rule(twin, cell, there) == Ruling::Destination
            }
            // What the source can't send is not overwritten as if it were missing.
            None if self.is_owed(cell) => self.rule_unsent(cell, held),
            // The field is synced in this direction only, and its row was added since, or the two
            // are just being linked: it is written, whichever side's change this is.
            None if meets(cell) => {
                !self.was_emptied(&cell.to)
                    && (text::is_blank(held) || !is_unsent(self.mapped, cell))
            }
            // Only the destination changed it, or the old values are unknown: then an empty field
            // is filled, and nothing overwritten.
            _ => !meets(cell) || text::is_blank(held),
        };
        if writes {
            if self.write_here(cell, twin, held) {
                self.list_taken_up(cell, twin);
            }
        } else if cell.moved == Moved::Unknown && twin.is_some_and(|it| it.moved == Moved::Not) {
            // Its own record decides.
            leave(&mut self.merge.open, cell, twin);
        }
    }

    fn write_there(&mut self, cell: &Cell, twin: Option<&Cell>, held: &str) -> bool {
        let may = self.may_write(self.ends.map(|(_, there)| there), cell, twin, false);
        if may {
            self.merge.to_destination.push(cell.change(held));
        }
        may
    }

    fn write_here(&mut self, cell: &Cell, twin: Option<&Cell>, held: &str) -> bool {
        let may =
            self.passes_back && self.may_write(self.ends.map(|(here, _)| here), cell, twin, true);
        if may {
            self.merge.to_source.push(cell.change(held));
        } else {
            let mut source = BTreeSet::from([cell.to.clone()]);
            source.extend(twin.and_then(|twin| twin.from.clone()));
            self.merge.open[0].extend(source);
            self.merge.open[1].extend(cell.from.clone());
        }
        may
    }
}

/// Whether the other side, which sends this, has a value in the field of a cell that can't be sent.
fn is_unsent(other: &Mapped, cell: &Cell) -> bool {
    other.owed().any(|owed| {
        owed.from.as_deref().map(whole) == Some(cell.to.as_str())
            && cell.from.as_deref() == Some(owed.to.as_str())
    })
}

/// Notes a field of both sides in these lists of theirs.
pub(super) fn leave(
    [source, destination]: &mut [BTreeSet<String>; 2],
    cell: &Cell,
    twin: Option<&Cell>,
) {
    source.extend(cell.from.clone());
    destination.insert(cell.to.clone());
    if let Some(twin) = twin {
        source.insert(twin.to.clone());
        destination.extend(twin.from.clone());
    }
}

impl Merge {
    /// The question for a person, if there is one.
    pub(super) fn review(self, case: &Case<'_>, lead: &Snapshot) -> Option<Review> {
        let mut disputes = self.disputes;
        disputes.retain(|dispute| dispute.ruling == Ruling::Waits);
        let review = asked::review(case, Reason::Conflict, [(lead, None)]);
        (!disputes.is_empty()).then_some(Review { disputes, ..review })
    }
}

/// The fields that the two sides do not agree about, as far as known by now.
pub(super) fn disputes(case: &Case<'_>) -> Vec<Dispute> {
    match (case.opposite, &case.known.twin.lead) {
        (Some(opposite), Some(lead)) => merge(case, opposite, lead).disputes,
        _ => Vec::new(),
    }
}
