//! Where two connectors go opposite ways between two accounts: what both sides changed since they
//! last agreed is merged field by field, so that both end equal (`docs/two-way.md#merge`).
//!
//! The merge is symmetric: whichever side's webhook set it off, it sees what both sides changed and
//! writes to both. So a webhook that was lost on one side is made good by the next one of the other.

use std::borrow::Cow;
use std::collections::BTreeSet;

use super::asked;
use super::case::{Case, Opposite};
use super::decision::Tripped;
use crate::change::Change;
use crate::connector::{Behaviour, Policy};
use crate::link::{End, Link};
use crate::mapping::{Mapped, Mapping, plain_name};
use crate::metadata::Kind;
use crate::outcome::Entity;
use crate::payload::Item;
use crate::problem::{Code, Problem};
use crate::review::{Choice, Dispute, Reason, Review, Ruled, Ruling};
use crate::snapshot::Snapshot;
use crate::text;
use crate::value::{self, Reading};
use jiff::Timestamp;

/// What has to be written for both sides to be equal.
#[derive(Debug, Default)]
pub(super) struct Merge {
    pub(super) to_destination: Vec<Change>,
    pub(super) to_source: Vec<Change>,
    pub(super) disputes: Vec<Dispute>,
    /// Fields that were written back and forth so often that they are frozen now: the destination's,
    /// or those of the source that are written back.
    pub(super) tripped: Vec<Tripped>,
    /// Fields of the source and of the destination whose base stays as it is, because they are not
    /// settled.
    pub(super) open: [BTreeSet<String>; 2],
}

/// How a field stands beside what its side held when the two last agreed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moved {
    /// It is not known what it held then.
    Unknown,
    Not,
    Yes,
}

/// A value that one side sends to a field of the other.
struct Cell {
    from: Option<String>,
    to: String,
    kind: Kind,
    value: String,
    moved: Moved,
}

impl Cell {
    /// Whether the two are one field, seen from both sides.
    fn is_twin(&self, other: &Self) -> bool {
        self.from.as_deref() == Some(other.to.as_str())
            || other.from.as_deref() == Some(self.to.as_str())
    }

    /// Whether the other side holds the value already. What it holds may be that in the account's
    /// own encoding (`Rao &amp; Sons`), unless this side alone was changed since: then somebody may
    /// just have taken the encoding out.
    fn is_held(&self, twin: Option<&Self>, held: &str, reading: &Reading) -> bool {
        let is_alone = twin.is_none_or(|twin| twin.moved == Moved::Not);
        if self.moved == Moved::Yes && is_alone && self.kind != Kind::FieldSet {
            return value::same(self.kind, &self.value, held, reading);
        }
        value::holds(self.kind, &self.value, held, reading)
    }

    fn change(&self, before: &str) -> Change {
        let mut change = Change::new(&self.to, self.kind, &self.value);
        change.before = Some(before.to_owned());
        change
    }
}

/// Whether the source shows anything that differs from what was last synced, as far as it can be
/// told without looking at the destination.
pub(super) fn source_moved(case: &Case<'_>, here: &End) -> bool {
    cells(case.mapping, case.item, case.mapped, Some(here))
        .iter()
        .any(|cell| cell.moved != Moved::Not)
}

/// Merges what the two sides changed. `lead` is what the destination shows.
pub(super) fn merge(case: &Case<'_>, opposite: Opposite<'_>, lead: &Snapshot) -> Merge {
    // What was agreed about with a lead that is gone says nothing of another one that was found in
    // its place.
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
    let mut from_source = cells(case.mapping, &here_item, &mapped, ends.map(|(here, _)| here));
    let there_item = Item::from_state(Entity::Lead, &there_now);
    let back = opposite.mapping.apply(&there_item);
    let flows_back = matches!(
        opposite.connector.lead.behaviour,
        Behaviour::CreateAndUpdate | Behaviour::UpdateOnly
    );
    let mut from_destination = if flows_back {
        cells(opposite.mapping, &there_item, &back, ends.map(|(_, there)| there))
    } else {
        Vec::new()
    };
    if let Some((here, there)) = ends {
        // What we wrote may be of an older state than the one that is there now.
        landed(&mut from_source, there, &there_now);
        landed(&mut from_destination, here, &here_now);
    }
    let mut merging = Merging {
        case,
        opposite,
        ends,
        here_now: &here_now,
        there_now: &there_now,
        merge: Merge::default(),
    };
    for cell in &from_source {
        let twin = from_destination.iter().find(|other| cell.is_twin(other));
        merging.send(cell, twin);
    }
    for cell in &from_destination {
        let twin = from_source.iter().find(|other| cell.is_twin(other));
        merging.send_back(cell, twin);
    }
    merging.merge
}

/// A value goes to a field once more where a write that may have been in vain was not.
fn landed(cells: &mut [Cell], end: &End, state: &Snapshot) {
    for cell in cells.iter_mut().filter(|cell| end.has_landed(&cell.to, state)) {
        cell.moved = Moved::Yes;
    }
}

fn overlaid(state: &Snapshot, written: &[Change]) -> Snapshot {
    let mut state = state.clone();
    for change in written {
        state.put(change.to.as_str(), change.value.as_str());
    }
    state
}

/// What a side sends, field by field, beside what it sent when the two last agreed.
fn cells(mapping: &Mapping, item: &Item, mapped: &Mapped, end: Option<&End>) -> Vec<Cell> {
    let base = end.map(|end| end.base_beside(&item.state()));
    let before = base.as_ref().map(|base| mapping.apply(&Item::from_state(Entity::Lead, base)));
    let reading = mapping.reading();
    let cell = |field: &crate::mapping::MappedField| {
        let value = field.sent.written()?.to_owned();
        let from = field.from.as_deref().map(whole);
        let is_known = base.as_ref().is_some_and(|base| match from {
            Some(from) => base.get(from).is_some(),
            None => !base.0.is_empty(),
        });
        let was = before.as_ref().and_then(|before| before.get(&field.to)?.sent.written());
        let is_same = was.is_some_and(|was| value::stays(field.kind, &value, was, reading));
        let moved = match (is_known, is_same) {
            (false, _) => Moved::Unknown,
            (true, true) => Moved::Not,
            (true, false) => Moved::Yes,
        };
        let from = from.map(str::to_owned);
        Some(Cell { from, to: field.to.clone(), kind: field.kind, value, moved })
    };
    mapped.fields.iter().filter_map(cell).collect()
}

/// The field of which a path names a part.
fn whole(path: &str) -> &str {
    let name = plain_name(path);
    name.split_once('.').map_or(name, |(set, _)| set)
}

struct Merging<'a> {
    case: &'a Case<'a>,
    opposite: Opposite<'a>,
    ends: Option<(&'a End, &'a End)>,
    here_now: &'a Snapshot,
    there_now: &'a Snapshot,
    merge: Merge,
}

impl Merging<'_> {
    /// A value that the source sends.
    fn send(&mut self, cell: &Cell, twin: Option<&Cell>) {
        let held = self.there_now.get(&cell.to).unwrap_or_default();
        let reading = self.case.mapping.reading();
        let is_same = cell.is_held(twin, held, reading);
        if cell.moved == Moved::Not || is_same || self.case.leaves_out(&cell.to) {
            return;
        }
        let mut ruling = match twin {
            Some(twin) => self.rule(cell, twin, held),
            // The field goes this way only.
            None => Ruling::Source,
        };
        if ruling == Ruling::Source && !self.write_there(cell, twin, held) {
            ruling = Ruling::Frozen;
        }
        // The turn of what the destination sends comes later.
        if matches!(ruling, Ruling::Waits | Ruling::Frozen) {
            self.leave_open(cell, twin);
        }
        let is_disputed = twin.is_some_and(|twin| twin.moved != Moved::Not) && !held.is_empty();
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
        let held = self.here_now.get(&cell.to).unwrap_or_default();
        let reading = self.opposite.mapping.reading();
        if cell.moved == Moved::Not || cell.is_held(twin, held, reading) {
            return;
        }
        let writes = match twin {
            Some(twin) if twin.moved != Moved::Not => {
                let there = self.there_now.get(&twin.to).unwrap_or_default();
                let agrees =
                    value::holds(twin.kind, &twin.value, there, self.case.mapping.reading());
                !agrees && self.rule(twin, cell, there) == Ruling::Destination
            }
            // Only the destination changed it, or it is not known what the two held: then a field
            // that is empty is filled, and nothing overwritten.
            _ => cell.moved == Moved::Yes || text::is_blank(held),
        };
        if writes {
            self.write_here(cell, twin, held);
        }
    }

    /// Who wins, where the two sides do not agree. `mine` is what the source sends, `theirs` what
    /// the destination sends, and `held` what the destination holds.
    fn rule(&self, mine: &Cell, theirs: &Cell, held: &str) -> Ruling {
        match (mine.moved, theirs.moved) {
            (Moved::Yes | Moved::Unknown, Moved::Not) => Ruling::Source,
            (Moved::Yes, Moved::Yes) => match self.policy(&mine.to) {
                Policy::Newest => self.newest(),
                Policy::Source => Ruling::Source,
                Policy::FillBlank if text::is_blank(held) => Ruling::Source,
                Policy::FillBlank | Policy::Destination => Ruling::Destination,
                Policy::Review => self.decided(),
            },
            // They meet for the first time.
            _ if text::is_blank(held) => Ruling::Source,
            _ => match self.policy(&mine.to) {
                Policy::Source => Ruling::Source,
                Policy::Destination => Ruling::Destination,
                Policy::Review => self.decided(),
                Policy::Newest | Policy::FillBlank => Ruling::Left,
            },
        }
    }

    /// What a person decided, where one is asked.
    fn decided(&self) -> Ruling {
        match &self.case.known.conflict {
            Some(Ruled::Decided(Choice::Source)) => Ruling::Source,
            Some(Ruled::Decided(Choice::Destination)) => Ruling::Destination,
            _ => Ruling::Waits,
        }
    }

    fn policy(&self, to: &str) -> Policy {
        let row = self.case.mapping.row_to(to).and_then(|row| row.conflict);
        row.unwrap_or(self.case.connector.conflict.policy)
    }

    /// The side that was changed last, by the accounts' own times. They count in whole seconds, so
    /// there are ties; then the account that is first of the pair wins, whichever way one looks.
    fn newest(&self) -> Ruling {
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

    fn write_there(&mut self, cell: &Cell, twin: Option<&Cell>, held: &str) -> bool {
        let may = self.may_write(self.ends.map(|(_, there)| there), cell, twin, false);
        if may {
            self.merge.to_destination.push(cell.change(held));
        }
        may
    }

    fn write_here(&mut self, cell: &Cell, twin: Option<&Cell>, held: &str) {
        if self.may_write(self.ends.map(|(here, _)| here), cell, twin, true) {
            self.merge.to_source.push(cell.change(held));
        } else {
            let mut source = BTreeSet::from([cell.to.clone()]);
            source.extend(twin.and_then(|twin| twin.from.clone()));
            self.merge.open[0].extend(source);
            self.merge.open[1].extend(cell.from.clone());
        }
    }

    /// Whether a field goes back and forth: then it is frozen.
    fn may_write(
        &mut self,
        end: Option<&End>,
        cell: &Cell,
        twin: Option<&Cell>,
        in_source: bool,
    ) -> bool {
        let now = self.case.now;
        let frozen =
            |end: &End, field: &str| end.frozen.get(field).is_some_and(|until| *until > now);
        let twin_frozen = twin.is_some_and(|twin| {
            self.ends
                .is_some_and(|(here, there)| frozen(if in_source { there } else { here }, &twin.to))
        });
        let Some(end) = end else { return true };
        if twin_frozen || frozen(end, &cell.to) {
            return false;
        }
        match end.cycle(&cell.to, &cell.value, now) {
            Some(cycle) => {
                let field = cell.to.clone();
                self.merge.tripped.push(Tripped { field, in_source, cycle });
                false
            }
            None => true,
        }
    }

    fn leave_open(&mut self, cell: &Cell, twin: Option<&Cell>) {
        let [source, destination] = &mut self.merge.open;
        source.extend(cell.from.clone());
        destination.insert(cell.to.clone());
        if let Some(twin) = twin {
            source.insert(twin.to.clone());
            destination.extend(twin.from.clone());
        }
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

/// The problem with fields that go back and forth.
pub(super) fn war(tripped: &[Tripped]) -> Problem {
    let fields: Vec<String> = tripped
        .iter()
        .map(|Tripped { field, in_source, cycle }| {
            let side = if *in_source { "source" } else { "destination" };
            format!("{field} of the {side} was written {}", cycle.join(", "))
        })
        .collect();
    let problem = Problem::new(
        Code::Alternates,
        format!(
            "A field goes back and forth between the accounts, and was frozen for a day. {}.",
            fields.join("; ")
        ),
        "An automation in each account sets it to another value: change one of the two, or switch \
         the field off in one direction's mapping. The lead's other fields are synced as before.",
    );
    match tripped.first() {
        Some(first) => problem.about(&first.field),
        None => problem,
    }
}

/// The link once everything was merged: both sides are as they are now by agreement.
pub(super) fn agree(case: &Case<'_>, opposite: Opposite<'_>, link: &mut Link) {
    let (here, there) = (link.pair.side(case.source), link.pair.side(case.destination));
    let merge = case.known.twin.lead.as_ref().map(|lead| merge(case, opposite, lead));
    let open = merge.map(|merge| merge.open).unwrap_or_default();
    let is_settled = open.iter().all(BTreeSet::is_empty);
    let state = overlaid(&case.item.state(), &case.known.twin.wrote_back);
    let item = Item::from_state(Entity::Lead, &state);
    let read = case.mapping.read_part(&item);
    // What may be from before our own write to the source says nothing of what it holds since
    // (`docs/two-way.md#trap-ii`): it differs in nothing, or it would have been read afresh.
    let version = case.item.modified_on();
    if case.known.source.fresh || version.is_some() && !link.end(here).may_be_stale(version) {
        let end = link.end_mut(here);
        if case.known.source.fresh {
            end.pending.clear();
        }
        end.learn(read, &case.known.twin.wrote_back, &open[0]);
        if is_settled {
            end.seen = end.seen.max(version);
        }
    }
    if let Some(lead) = &case.known.twin.lead {
        let version = Item::from_state(Entity::Lead, lead).modified_on();
        let state = overlaid(lead, &case.known.twin.wrote);
        let read = opposite.mapping.read_part(&Item::from_state(Entity::Lead, &state));
        let end = link.end_mut(there);
        end.pending.clear();
        end.learn(read, &case.known.twin.wrote, &open[1]);
        // What was read here and is written there only has a base too.
        let written = case
            .mapped
            .fields
            .iter()
            .filter_map(|field| Some((field.to.as_str(), state.get(&field.to)?)));
        end.learn(written.collect(), &case.known.twin.wrote, &open[1]);
        if is_settled {
            end.seen = end.seen.max(version);
        }
    }
}

/// Freezes fields until the next day.
pub(super) fn freeze(link: &Link, case: &Case<'_>, tripped: &[Tripped], until: Timestamp) -> Link {
    let mut link = link.clone();
    let (here, there) = (link.pair.side(case.source), link.pair.side(case.destination));
    for Tripped { field, in_source, .. } in tripped {
        let side = if *in_source { here } else { there };
        link.end_mut(side).frozen.insert(field.clone(), until);
    }
    link
}

/// The fields that the two sides do not agree about, as far as it is known by now.
pub(super) fn disputes(case: &Case<'_>) -> Vec<Dispute> {
    match (case.opposite, &case.known.twin.lead) {
        (Some(opposite), Some(lead)) => merge(case, opposite, lead).disputes,
        _ => Vec::new(),
    }
}
