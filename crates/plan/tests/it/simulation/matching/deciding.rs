//! The people who are asked which lead is which, and whose value holds. They know whose a lead is.

use std::collections::BTreeSet;

use plan::id::LeadId;
use plan::problem::Code;
use plan::review::{Choice, Reason};

use super::super::definition;
use super::super::reviews::Stored;
use super::{Matching, PEOPLE, Terms, email, settings};

impl Matching {
    /// People decide what is open: half of it while things go on, or all.
    pub(super) fn decide(&mut self, is_half: bool) {
        self.learn_owners();
        let open: Vec<Stored> = self.service().reviews.open().cloned().collect();
        for review in open {
            if is_half && self.world.chance.of(500) {
                continue;
            }
            let choice = self.choice(&review);
            let (id, now) = (review.standing.id, self.world.now);
            if choice == Choice::Ignore {
                let own = (review.from, review.standing.source_id.clone());
                if let Some(lead) = self.world.accounts[own.0].leads.get(&own.1) {
                    self.ignored.insert(own, lead.clone());
                }
            }
            self.world.service.decide(id, Some(choice), now);
        }
        if is_half {
            self.undo();
        }
    }

    fn choice(&mut self, review: &Stored) -> Choice {
        let chance = &mut self.world.chance;
        if review.standing.reason == Reason::Conflict {
            return chance.one(&[Choice::Source, Choice::Destination]).clone();
        }
        let lead = &review.standing.source_id;
        let Some(owner) = self.owners[review.from].get(lead).copied() else {
            return Choice::Ignore;
        };
        let there = 1 - review.from;
        let own = self.leads_of(there, owner);
        let is_free = |id: &&LeadId| {
            let twin = self.service().twin_of(there, id.as_str());
            twin.is_none_or(|twin| twin == lead.as_str())
        };
        match own.iter().find(is_free) {
            Some(id) => Choice::Link { lead_id: id.clone() },
            // Of a person who is there already it is one too many.
            None if own.is_empty() && self.world.chance.of(700) => Choice::Create,
            None => Choice::Ignore,
        }
    }

    /// A decision is taken back, now and then; not about somebody who shares a number with others,
    /// and would be taken for one of them.
    fn undo(&mut self) {
        let decided = self.service().reviews.decided();
        let of_identity = decided.filter(|review| review.standing.reason != Reason::Conflict);
        let ids: Vec<(i64, usize, LeadId)> = of_identity
            .map(|it| (it.standing.id, it.from, it.standing.source_id.clone()))
            .filter(|(id, ..)| !self.undone.contains(id))
            .collect();
        for (id, from, lead) in ids {
            let owner = self.owners[from][&lead] % PEOPLE;
            let is_shared = (0..2).any(|side| !self.leads_of(side, owner + PEOPLE).is_empty());
            if !is_shared && self.world.chance.of(100) {
                self.undone.insert(id);
                self.ignored.remove(&(from, lead));
                let now = self.world.now;
                self.world.service.decide(id, None, now);
            }
        }
    }

    /// Everything is decided and tried again until nothing is left to do.
    pub(super) fn end(&mut self) -> Option<String> {
        const ROUNDS: usize = 8;
        if self.terms.is_first_wrong {
            let right = Terms { is_first_wrong: false, ..self.terms };
            self.world.service.set_up(0, definition(0, &settings(right)));
        }
        for _ in 0..ROUNDS {
            if let Some(wrong) = self.world.come_to_rest() {
                return Some(wrong);
            }
            let service = self.service();
            if service.reviews.open().next().is_none() && service.failed.is_empty() {
                return None;
            }
            self.learn_owners();
            self.settle_duplicates();
            self.decide(false);
            let now = self.world.now;
            self.world.service.retry_all(now);
        }
        let service = self.service();
        let open: Vec<&Stored> = service.reviews.open().collect();
        Some(format!("it is not done: {open:?}, {:?}", service.failed))
    }

    /// Whose values the other account refuses: a decision that can't be carried out is taken back,
    /// and a number or an address that somebody else has there is replaced.
    fn settle_duplicates(&mut self) {
        let failed = self.service().failed.iter();
        let refused = failed.filter(|undone| undone.code == Code::Duplicate);
        let leads: BTreeSet<(usize, LeadId)> = refused
            .filter_map(|it| Some((it.delivery.from, it.delivery.item.lead_id()?)))
            .collect();
        for (side, lead) in leads {
            let is_created = |review: &&Stored| {
                (review.from, &review.standing.source_id) == (side, &lead)
                    && review.standing.choice == Some(Choice::Create)
            };
            let created = self.service().reviews.decided().find(is_created);
            let created = created.map(|review| review.standing.id);
            if let Some(id) = created {
                let now = self.world.now;
                self.world.service.decide(id, None, now);
            } else if self.world.accounts[side].leads.contains_key(&lead) {
                let number = self.world.chance.below(100_000_000);
                let address = format!("n{number}.{}", email(self.owners[side][&lead]));
                let phone = format!("96{number:08}");
                self.edit(side, &lead, &[("Phone", &phone), ("EmailAddress", &address)]);
            }
        }
    }
}
