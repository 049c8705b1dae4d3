//! What must hold of leads of which it was not plain who they are.

use std::collections::BTreeMap;

use plan::id::LeadId;
use plan::review::Ruling;
use plan::snapshot::Snapshot;

use super::{Matching, email, named};

impl Matching {
    /// Notes how many leads each person may come to have.
    pub(super) fn count(&mut self) {
        for side in [0, 1] {
            let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
            for owner in self.owners[side].values() {
                *counts.entry(*owner).or_default() += 1;
            }
            self.most[side] = counts;
        }
    }

    /// Nobody's lead has the name or the address of somebody else.
    pub(super) fn overwritten(&mut self) -> Option<String> {
        if self.terms.rules[2] == "relink" {
            return None;
        }
        self.learn_owners();
        for side in [0, 1] {
            for (id, lead) in &self.world.accounts[side].leads {
                let owner = self.owners[side][id];
                let name = lead.get("FirstName").and_then(named);
                let address = lead.get("EmailAddress").unwrap_or_default();
                if name != Some(owner) || !address.ends_with(&email(owner)) {
                    return Some(format!("{id} of side {side} is P{owner}'s, and holds {lead:?}"));
                }
            }
        }
        None
    }

    pub(super) fn check(&mut self) -> Option<String> {
        if let Some(wrong) = self.overwritten() {
            return Some(wrong);
        }
        let [linked, any, _] = self.service().most_calls;
        if linked > 5 || any > 12 {
            return Some(format!("an attempt took {linked} calls, or {any}"));
        }
        [self.doubled(), self.meddled(), self.unsynced()].into_iter().flatten().next()
    }

    /// A person has no more leads than people made, one for each of the other side's that no key
    /// finds here, and one in place of one that was deleted.
    fn doubled(&self) -> Option<String> {
        for side in [0, 1] {
            for person in 0..2 * super::PEOPLE {
                let leads = self.leads_of(side, person);
                let made = |side: usize| self.most[side].get(&person).copied().unwrap_or_default();
                // What people have here changes by us only where leads flow one way.
                let is_found = !self.terms.is_pair && !self.terms.is_unique && made(side) > 0;
                let most = made(side) + if is_found { 0 } else { made(1 - side).max(1) };
                if leads.len() > most + usize::from(self.bereft.contains(&person)) {
                    return Some(format!("P{person} has {leads:?} on side {side}"));
                }
            }
        }
        None
    }

    /// A lead that is ignored stays as people left it, unless it was said of another one that it is
    /// this one.
    fn meddled(&self) -> Option<String> {
        for ((side, id), was) in &self.ignored {
            let account = &self.world.accounts[*side];
            let Some(lead) = account.leads.get(id) else { continue };
            let is_linked = self.service().link_of(*side, id.as_str()).is_some();
            if is_linked || !self.service().reviews.ignores(*side, id) {
                continue;
            }
            let bare = |lead: &Snapshot| {
                let mut bare = lead.clone();
                bare.0.remove("ModifiedOn");
                bare
            };
            if bare(lead) != bare(was) {
                return Some(format!("{id} is ignored, was {was:?}, and is {lead:?}"));
            }
        }
        None
    }

    /// Every lead has its counterpart, which holds the same, or there is a reason why not.
    fn unsynced(&self) -> Option<String> {
        for side in [0, 1] {
            if self.service().connectors[side].is_none() {
                continue;
            }
            for (id, lead) in &self.world.accounts[side].leads {
                if let Some(wrong) = self.unsynced_lead(side, id, lead) {
                    return Some(format!("{id} of side {side}: {wrong}"));
                }
            }
        }
        None
    }

    fn unsynced_lead(&self, side: usize, id: &LeadId, lead: &Snapshot) -> Option<String> {
        let service = self.service();
        let is_left = service.reviews.ignores(side, id)
            || self.terms.rules != super::REVIEW
            || self.terms.behaviour != "create_and_update";
        let Some(twin) = service.twin_of(side, id.as_str()) else {
            return (!is_left).then(|| "it has no counterpart".to_owned());
        };
        let Some(there) = self.world.accounts[1 - side].leads.get(&LeadId::new(twin)) else {
            let owner = self.owners[side][id];
            return (!self.bereft.contains(&owner)).then(|| format!("{twin} is gone"));
        };
        let wrong = |field: &str| {
            let same = lead.get(field) == there.get(field) || lead.filled(field).is_none();
            if same || is_left {
                return None;
            }
            let held = there.get(field);
            if self.is_edited(self.owners[side][id], field) {
                return Some(format!("an edit of {field} is lost: {twin} holds {held:?}"));
            }
            // Values of two that met, and were not asked for, are left; so is what a decision was
            // about.
            let is_disputed = service.disputes.iter().any(|noted| {
                let is_its = noted.lead == *id || noted.lead.as_str() == twin;
                let left = matches!(noted.dispute.ruling, Ruling::Left | Ruling::Waits);
                is_its && noted.dispute.field == field && left
            });
            (!is_disputed).then(|| format!("{field}: {twin} holds {held:?}"))
        };
        super::EDITED.into_iter().find_map(wrong)
    }

    /// Whether the field was edited where that is synced whatever the two held before: every webhook
    /// came and said what changed, and somebody wins.
    fn is_edited(&self, person: usize, field: &str) -> bool {
        let wins =
            self.terms.first_meeting != Some("fill_blank") && self.terms.policy != "fill_blank";
        // Of one who had two leads, one may have been the lead's counterpart at first.
        let has_one_each = [0, 1].into_iter().all(|side| {
            let most = self.most[side].get(&person).copied().unwrap_or_default();
            most <= 1 && self.leads_of(side, person).len() == 1
        });
        let all_come = self.world.weather.dropped == 0;
        let is_edited = self.edited.iter().any(|edited| *edited == (person, field));
        self.terms.is_full() && all_come && wins && has_one_each && is_edited
    }
}
