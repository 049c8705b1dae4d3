//! What must hold of leads that met, once all is at rest.

use plan::review::Ruling;

use super::expected::{Cell, is_same, sent};
use super::{FIELDS, Meetings, PEOPLE, lead};

impl Meetings {
    /// The first fault found, or `None`.
    pub(super) fn check(&self) -> Option<String> {
        if self.world.accounts.iter().any(|account| account.leads.len() != PEOPLE) {
            return Some("somebody has a lead too many".to_owned());
        }
        let apart =
            (0..PEOPLE).find(|person| !self.is_linked(*person)).map(|it| format!("P{it} is apart"));
        let mut cells = (0..PEOPLE).flat_map(|person| FIELDS.map(|field| (person, field)));
        apart.or_else(|| cells.find_map(|cell| self.wrong_with(cell)))
    }

    fn is_linked(&self, person: usize) -> bool {
        self.service().twin_of(0, lead(0, person).as_str()) == Some(lead(1, person).as_str())
    }

    fn wrong_with(&self, cell: Cell) -> Option<String> {
        let wrong = [
            self.overwritten(cell),
            self.unlisted(cell),
            self.lost(cell),
            self.outdated(cell),
            self.differing(cell),
        ];
        let what = wrong.into_iter().flatten().next()?;
        let (person, field) = cell;
        let held = [0, 1].map(|side| self.held(side, person, field));
        Some(format!("P{person} {field} holds {held:?}: {what}"))
    }

    /// What nobody edited is as it was, or filled from the other side.
    fn overwritten(&self, cell: Cell) -> Option<String> {
        let (person, field) = cell;
        if !self.edits_of(cell).is_empty() || self.met_one_way(person) {
            return None;
        }
        let wanted = self.untouched(cell)?;
        let is_right = [0, 1].iter().all(|side| self.held(*side, person, field) == wanted[*side]);
        (!is_right).then(|| format!("nobody edited it, and it should be {wanted:?}"))
    }

    /// What nobody edited and differs is listed; where events decide, the link knows it too.
    fn unlisted(&self, cell: Cell) -> Option<String> {
        let (person, field) = cell;
        let held = [0, 1].map(|side| self.held(side, person, field));
        let can_be_sent = (0..2).all(|side| sent(side, field, held[side]).is_some());
        let differs = can_be_sent && !is_same(field, held);
        if !self.edits_of(cell).is_empty()
            || self.met_one_way(person)
            || !self.leaves(cell)
            || !differs
        {
            return None;
        }
        if !self.is_listed(cell) {
            return Some("that is not listed".to_owned());
        }
        let link = self.service().link_of(0, lead(0, person).as_str())?;
        let is_known = [&link.first, &link.second].iter().all(|end| end.left.contains(field));
        let knows = self.terms.modes.iter().flatten().all(|mode| *mode == "changed");
        (knows && !is_known).then(|| "the link does not know it".to_owned())
    }

    /// What people of one side alone edited holds.
    fn lost(&self, cell: Cell) -> Option<String> {
        let (person, field) = cell;
        let (side, value, there) = self.edited_alone(cell)?;
        if self.held(side, person, field) != value {
            return Some(format!("side {side} alone edited it, last to {value:?}"));
        }
        let there = there.filter(|there| self.held(1 - side, person, field) != there)?;
        Some(format!("side {side} alone edited it, and the other should hold {there:?}"))
    }

    /// Neither side holds anything but what people of it, or of the other one, gave it last.
    fn outdated(&self, cell: Cell) -> Option<String> {
        let (person, field) = cell;
        let last = [0, 1].map(|side| {
            let mut edits = self.edits_of(cell).iter().rev();
            let last = edits.find(|edit| edit.side == side);
            last.map_or(self.first[&cell][side].as_str(), |edit| &edit.value)
        });
        [0, 1].into_iter().find_map(|side| {
            let held = self.held(side, person, field);
            let theirs = sent(1 - side, field, last[1 - side]);
            // What the other side sent before it was emptied, or before it got a value that can't be
            // sent, is not undone.
            let may_have_sent = theirs.is_none() || theirs == Some("") && !self.terms.clears;
            let was_filled = last[side].is_empty()
                && sent(1 - side, field, self.held(1 - side, person, field)) == Some(held);
            let is_right =
                held == last[side] || theirs == Some(held) || may_have_sent || was_filled;
            (!is_right).then(|| format!("people of the sides gave it {last:?} last"))
        })
    }

    /// What differs is listed, or one side says nothing.
    fn differing(&self, cell: Cell) -> Option<String> {
        let (person, field) = cell;
        let held = [0, 1].map(|side| self.held(side, person, field));
        let is_silent = (0..2).any(|side| match sent(side, field, held[side]) {
            None => true,
            Some(sent) => sent.is_empty() && (!self.terms.clears || self.met_one_way(person)),
        });
        let is_right = is_same(field, held) || is_silent || self.is_listed(cell);
        (!is_right).then(|| "that differs, and is not listed".to_owned())
    }

    fn is_listed(&self, (person, field): Cell) -> bool {
        let leads = [0, 1].map(|side| lead(side, person));
        self.service().disputes.iter().any(|noted| {
            leads.contains(&noted.lead)
                && noted.dispute.field == field
                && matches!(noted.dispute.ruling, Ruling::Left)
        })
    }
}
