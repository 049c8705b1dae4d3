//! What two leads must hold once all is at rest, where it is plain from what people did and from the
//! settings.

use super::{Edit, FIELDS, Meetings, STAGES};

/// A field of a person's two leads.
pub(super) type Cell = (usize, &'static str);

/// What this side sends for a value; `None` if it can't be sent.
pub(super) fn sent<'a>(side: usize, field: &str, value: &'a str) -> Option<&'a str> {
    if field != "mx_Stage" || value.is_empty() {
        return Some(value);
    }
    match STAGES[side].iter().position(|stage| *stage == value) {
        Some(at) if at < 2 => Some(STAGES[1 - side][at]),
        _ => None,
    }
}

/// Whether these are one value, seen from the two sides.
pub(super) fn is_same(field: &str, [here, there]: [&str; 2]) -> bool {
    sent(0, field, here) == Some(there)
}

/// Whether this side has no value, or one that can't be sent.
fn says_nothing(side: usize, field: &str, value: &str) -> bool {
    sent(side, field, value).is_none_or(str::is_empty)
}

impl Meetings {
    pub(super) fn edits_of(&self, cell: Cell) -> &[Edit] {
        self.edits.get(&cell).map_or(&[], Vec::as_slice)
    }

    /// In which part of the life the person's leads met.
    pub(super) fn met_in(&self, person: usize) -> usize {
        usize::from(!self.had_met[person])
    }

    /// Whether one of the connectors was disabled when the person's leads met: leads flow one way
    /// then.
    pub(super) fn met_one_way(&self, person: usize) -> bool {
        self.terms.disabled.is_some_and(|(part, _)| part == self.met_in(person))
    }

    /// The modes under which the person's leads may have met.
    fn modes(&self, person: usize) -> impl Iterator<Item = &'static str> {
        self.terms.modes[self.met_in(person)].into_iter()
    }

    /// Whether nobody's value may be written over another one when the person's leads meet, unless
    /// somebody changed it.
    pub(super) fn leaves(&self, (person, field): Cell) -> bool {
        // In the second part, events of the first one decide no more.
        self.modes(person).all(|mode| match mode {
            "changed" => self.terms.posts.tells(field) || self.is_custom_untold(field),
            mode => mode == "fill_blank",
        })
    }

    /// Whether posts say what changed, but not about this field: then it is taken for unchanged.
    fn is_custom_untold(&self, field: &str) -> bool {
        !self.terms.posts.tells(field) && FIELDS.iter().any(|it| self.terms.posts.tells(it))
    }

    /// Whether all connectors act on the changed fields only, and the events name them.
    pub(super) fn goes_by_events(&self, (person, field): Cell) -> bool {
        self.terms.posts.tells(field) && self.modes(person).all(|mode| mode == "changed")
    }

    /// What the sides must hold of a field that nobody edited.
    pub(super) fn untouched(&self, cell: Cell) -> Option<[String; 2]> {
        let (_, field) = cell;
        let [here, there] = &self.first[&cell];
        if is_same(field, [here, there]) {
            return Some([here.clone(), there.clone()]);
        }
        match (sent(0, field, here), sent(1, field, there)) {
            // What is empty on one side is filled from the other, if that can be sent.
            (Some(sent), Some("")) => Some([here.clone(), sent.to_owned()]),
            (Some(""), Some(sent)) => Some([sent.to_owned(), there.clone()]),
            (None, Some("") | None) | (Some(""), None) => Some([here.clone(), there.clone()]),
            _ => self.leaves(cell).then(|| [here.clone(), there.clone()]),
        }
    }

    /// Of a field that people edited on one side only, that side and what it must hold; and what the
    /// other one must, where that is plain.
    pub(super) fn edited_alone(&self, cell: Cell) -> Option<(usize, String, Option<String>)> {
        let (person, field) = cell;
        let met_in = self.met_in(person);
        let (at, after): (Vec<&Edit>, Vec<&Edit>) =
            self.edits_of(cell).iter().partition(|edit| edit.part == met_in);
        // Once they have met, what is edited is written to the other side, whatever it holds.
        let (edits, began) =
            if after.is_empty() { (at, &self.first[&cell]) } else { (after, &self.middle[&cell]) };
        let last = edits.last()?;
        let (side, value) = (last.side, &last.value);
        let is_alone = edits.iter().all(|edit| edit.side == side);
        let held = &began[1 - side];
        if !is_alone {
            return None;
        }
        let has_met = self.had_met[person] && last.part == 1;
        if has_met && sent(side, field, &began[side]).is_none() {
            // It meets the other side's value once it can be sent.
            return None;
        }
        if has_met && began[side] == *value {
            // Back at what it held when they met, it has not changed.
            return None;
        }
        if !has_met && (self.met_one_way(person) || self.may_lose(cell, side, &edits)) {
            return None;
        }
        // Who empties a field while the other lead's webhook is on its way finds it filled again.
        if value.is_empty() && !has_met && !self.is_sole(cell) {
            return None;
        }
        let stays = edits.len() == 1 && (has_met || self.leaves(cell) && !held.is_empty());
        let there = match sent(side, field, value) {
            // Of a value that can't be sent, and one that people gave the other side, both stay.
            _ if sent(1 - side, field, held).is_none() => None,
            // It was for nothing there before.
            Some("") if sent(side, field, &began[side]).is_none() => None,
            // The other side may still have an earlier value.
            None => stays.then(|| held.clone()),
            Some("") if !self.terms.clears => stays.then(|| held.clone()),
            Some(sent) => (has_met || self.is_written(cell, side, &edits)).then(|| sent.to_owned()),
        };
        Some((side, value.clone(), there))
    }

    /// Whether the two met by the webhook of an edit of this field, which says so: there was no other.
    fn is_sole(&self, (person, field): Cell) -> bool {
        let met_in = self.met_in(person);
        let edits = FIELDS.iter().flat_map(|field| self.edits_of((person, field)));
        let count = edits.filter(|edit| edit.part == met_in).count();
        count == 1 && !self.terms.looks[met_in] && self.terms.posts.tells(field)
    }

    /// Whether what was edited on one side alone may be written over with what the other side held
    /// when the two met.
    fn may_lose(&self, cell: Cell, side: usize, edits: &[&Edit]) -> bool {
        let (person, field) = cell;
        let held = &self.first[&cell][1 - side];
        if says_nothing(1 - side, field, held) || self.modes(person).all(|it| it == "fill_blank") {
            return false;
        }
        let is_told = self.terms.posts.tells(field);
        !self.leaves(cell) || is_told && !self.wins(cell, side, edits)
    }

    /// Whether what was edited on one side alone must be written to the other.
    fn is_written(&self, cell: Cell, side: usize, edits: &[&Edit]) -> bool {
        self.goes_by_events(cell) && self.wins(cell, side, edits)
    }

    /// Whether what was edited on one side alone wins, where events decide.
    fn wins(&self, cell: Cell, side: usize, edits: &[&Edit]) -> bool {
        let (person, field) = cell;
        let [here, there] = &self.first[&cell];
        let is_rival = |edit: &Edit| edit.side != side && edit.part == self.met_in(person);
        let has_rival =
            FIELDS.iter().any(|field| self.edits_of((person, field)).iter().any(is_rival));
        let by_policy = match self.terms.policy {
            "source" => true,
            "newest" => !has_rival,
            _ => false,
        };
        let was_same = is_same(field, [here, there]) && edits.len() == 1;
        by_policy || was_same || self.first[&cell][1 - side].is_empty()
    }
}
