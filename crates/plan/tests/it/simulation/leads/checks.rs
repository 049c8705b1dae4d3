//! What must hold of leads that flow both ways, once all is at rest.

use jiff::SignedDuration;
use plan::id::LeadId;
use plan::link::{End, Given};
use plan::metadata::Kind;
use plan::outcome::Entity;
use plan::payload::Item;
use plan::problem::Code;
use plan::review::Ruling;
use plan::value;

use super::super::account::{Account, Manners};
use super::super::service::Noted;
use super::{Edit, FIELDS, Leads};

impl Leads {
    /// What is wrong, if anything.
    pub(super) fn check(&self) -> Option<String> {
        // Where rows come and go, fields meet that were apart.
        if let Some(dispute) = self.service().strangers.as_ref().filter(|_| self.ways.is_none()) {
            return Some(format!("the two sides met before: {dispute:?}"));
        }
        let checks = [
            self.pending(),
            self.doubles(),
            self.unmarked(),
            self.disagreement(),
            self.lost(),
            self.phantoms(),
            self.too_many(),
        ];
        checks.into_iter().flatten().next()
    }

    /// Nothing failed but what goes back and forth, and what was written to a lead that is gone.
    fn pending(&self) -> Option<String> {
        let service = self.service();
        if let Some(open) = service.reviews.open().next() {
            return Some(format!("nobody is to be asked: {open:?}"));
        }
        let known = [Code::Alternates, Code::LeadGone];
        let failed = service.failed.iter().find(|undone| !known.contains(&undone.code));
        failed.map(|undone| format!("it failed: {undone:?}"))
    }

    /// Each person is one lead on each side.
    fn doubles(&self) -> Option<String> {
        for (side, account) in self.world.accounts.iter().enumerate() {
            let mut emails: Vec<&str> =
                account.leads.values().filter_map(|lead| lead.get("EmailAddress")).collect();
            emails.sort_unstable();
            let before = emails.len();
            emails.dedup();
            if emails.len() != before {
                return Some(format!("side {side} has a lead twice"));
            }
        }
        let people: std::collections::BTreeSet<&str> = self
            .world
            .accounts
            .iter()
            .flat_map(|account| account.leads.values())
            .filter_map(|lead| lead.get("mx_Person"))
            .collect();
        for person in people {
            let has = |account: &Account| {
                account.leads.values().filter(|lead| lead.get("mx_Person") == Some(person)).count()
            };
            let counts = [has(&self.world.accounts[0]), has(&self.world.accounts[1])];
            let gone = self.removed.iter().find(|(_, gone, _)| gone == person);
            let is_right = match gone {
                None => counts == [1, 1] && self.is_linked(0, person),
                Some((side, ..)) => counts[1 - side] == 1 && counts[*side] <= 1,
            };
            if !is_right {
                return Some(format!("{person} has {counts:?} leads"));
            }
        }
        None
    }

    /// A lead whose counterpart is gone is marked, if a webhook told it, and then not made again.
    fn unmarked(&self) -> Option<String> {
        for (side, person, is_told) in &self.removed {
            let there = &self.world.accounts[1 - side];
            let lead = there.by("mx_Person", person).map(|id| &there.leads[&id])?;
            let is_marked = lead.filled("mx_Mark").is_some();
            let is_back = self.world.accounts[*side].by("mx_Person", person).is_some();
            if is_marked == is_back && (*is_told || is_marked) {
                return Some(format!("{person}, marked: {is_marked}, made again: {is_back}"));
            }
        }
        None
    }

    /// What either side holds, brought to the other, is what the other holds, or what it held when
    /// the two agreed.
    fn disagreement(&self) -> Option<String> {
        for link in &self.service().links {
            let leads = (
                self.world.accounts[0].leads.get(&LeadId::new(&link.first.id)),
                self.world.accounts[1].leads.get(&LeadId::new(&link.second.id)),
            );
            let (Some(a), Some(b)) = leads else { continue };
            // Of two automations at war one always comes last.
            let is_war = self.world.accounts.iter().all(|account| account.manners.wants.is_some());
            for field in FIELDS[1..].iter().filter(|field| !(is_war && **field == "mx_Stage")) {
                let left =
                    [&link.first, &link.second].iter().any(|end| end.frozen.contains_key(*field))
                        || self.is_left(&link.first.id, field)
                        || self.is_left(&link.second.id, field);
                let agrees = [(0, a, b), (1, b, a)].iter().any(|(from, here, there)| {
                    let direction = &self.service().connectors[*from].as_ref().expect("a pair");
                    let item = Item::from_state(Entity::Lead, here);
                    let mapped = direction.leads.apply(&item);
                    let Some(sent) = mapped.get(field) else { return false };
                    let held = there.get(field).unwrap_or_default();
                    let reading = direction.leads.reading();
                    match sent.sent.written() {
                        Some(sent) => {
                            value::holds(Kind::Text, sent, held, reading)
                                || (*field == "Phone"
                                    && value::same(Kind::Phone, sent, held, reading))
                                || sent.eq_ignore_ascii_case(held)
                                || (held.len() > 20 && sent.starts_with(held))
                        }
                        None => held.is_empty() || sent.default.as_deref() == Some(held),
                    }
                });
                if !agrees && !left {
                    return Some(format!(
                        "{field} of {} is {:?} ({:?}), of {} {:?} ({:?})",
                        link.first.id,
                        a.get(field),
                        given(&link.first, field),
                        link.second.id,
                        b.get(field),
                        given(&link.second, field),
                    ));
                }
            }
        }
        None
    }

    /// The last edit of a field holds, unless somebody edited it on the other side, or the record
    /// says who won.
    fn lost(&self) -> Option<String> {
        // A webhook may be late by an hour, and what waits for its next try by more.
        const RIVAL: SignedDuration = SignedDuration::from_secs(14_000);
        for ((person, field), edits) in &self.edits {
            // What was written of a lead that is gone is gone with it.
            if self.removed.iter().any(|(_, gone, _)| gone == person) {
                continue;
            }
            let Some(last) = edits.last().filter(|edit| edit.flows) else { continue };
            let Edit { at, side, value, .. } = last;
            let has_rival = edits
                .iter()
                .any(|other| other.side != *side && at.duration_since(other.at) < RIVAL);
            let account = &self.world.accounts[*side];
            let Some(id) = account.by("mx_Person", person) else {
                return Some(format!("{person} is gone"));
            };
            let held = account.leads[&id].get(field).unwrap_or_default();
            let manners = account.manners;
            let kept = held.eq_ignore_ascii_case(value)
                || (manners.cut.is_some() && value.starts_with(held))
                || manners.wants == Some(held);
            let other = &self.world.accounts[1 - *side];
            let disputed = self.service().disputes.iter().any(|Noted { lead, dispute, .. }| {
                dispute.field == **field
                    && [account, other]
                        .iter()
                        .any(|it| it.by("mx_Person", person).as_ref() == Some(lead))
            });
            if !kept && !has_rival && !disputed && other.manners.wants.is_none() {
                return Some(format!("{person} {field} = {value} at {at} is lost: it is {held}"));
            }
        }
        None
    }

    /// Where accounts keep what they are sent, both sides changed a field only if people of both
    /// did: what we wrote ourselves is nobody's change.
    fn phantoms(&self) -> Option<String> {
        let is_plain = |account: &Account| {
            let Manners { capitals, cut, wants, .. } = account.manners;
            !capitals && cut.is_none() && wants.is_none()
        };
        // A value that the mapping makes something else of is none either.
        if !self.world.accounts.iter().all(is_plain) || self.ways.is_some() {
            return None;
        }
        let mut met = self.service().disputes.iter().filter(|noted| noted.had_met);
        let phantom = met.find(|Noted { lead, dispute, .. }| {
            let lead = self.world.accounts.iter().find_map(|account| account.leads.get(lead));
            let person = lead.and_then(|lead| lead.get("mx_Person")).unwrap_or_default();
            // Of a lead that is gone nothing is known any more.
            if lead.is_none() || self.removed.iter().any(|(_, gone, _)| gone == person) {
                return false;
            }
            let field = FIELDS.iter().find(|field| **field == dispute.field);
            let edits = field.and_then(|field| self.edits.get(&(person.to_owned(), *field)));
            [0, 1].iter().any(|side| edits.into_iter().flatten().all(|edit| edit.side != *side))
        });
        phantom.map(|noted| format!("nobody but us changed both sides: {noted:?}"))
    }

    /// Each edit costs at most one write a side, besides the creation of a lead on either side, and
    /// what automations make of it.
    fn too_many(&self) -> Option<String> {
        let writes: usize = self.world.accounts.iter().map(|account| account.writes).sum();
        let automations = self.world.accounts.iter().any(|account| account.manners.wants.is_some());
        let repeats = if self.world.weather.faults.lost_after > 0 { 2 } else { 1 };
        // A lead that is gone unheard is made again, with all its fields, and one that is heard of
        // is marked.
        let removed = 6 * repeats * self.removed.len();
        // Two reads, and a write to each side; a lead that is matched first, or made again, is looked
        // for by its key, read, and made besides.
        let [linked, any, _] = self.service().most_calls;
        if linked > 4 || any > 8 {
            return Some(format!("a delivery took {linked} calls, or {any}"));
        }
        // A change of the mappings may cost a write to each side of each lead.
        let remapped = 6 * repeats * self.changes;
        let most = 2 * repeats * self.genuine
            + 6
            + removed
            + remapped
            + if automations { 40 * 3 } else { 0 };
        (writes > most).then(|| format!("{writes} writes for {} edits", self.genuine))
    }
}

impl Leads {
    /// Whether a field of a lead is left as it is on purpose.
    fn is_left(&self, lead: &str, field: &str) -> bool {
        self.service().disputes.iter().any(|Noted { lead: id, dispute, .. }| {
            id.as_str() == lead
                && dispute.field == field
                && matches!(dispute.ruling, Ruling::Left | Ruling::Waits | Ruling::Frozen)
        })
    }
}

fn given<'a>(end: &'a End, field: &str) -> Option<&'a Given> {
    end.given.as_ref()?.get(field)
}
