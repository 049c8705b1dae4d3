//! Leads of which it is not plain who they are: two accounts that have the same people already,
//! twice, under other addresses, or with a key that belongs to somebody else.
//!
//! Each person has a name and an address that nobody else has; what several have in common is a
//! family number (`mx_Family`), which is a search key and not unique, or a phone number, which moves
//! from one to another.

mod checks;
mod deciding;

use std::collections::{BTreeMap, BTreeSet};

use plan::id::LeadId;
use plan::metadata::{Catalogue, Field, FieldList, Kind};
use plan::payload::Removal;
use plan::snapshot::Snapshot;

use super::account::{Account, Manners};
use super::chance::Chance;
use super::posts::Posts;
use super::protection::Protection;
use super::service::Service;
use super::world::{Life, Weather, World};
use super::{definition, plain};

/// Which world it is.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// Both directions, or one.
    pub is_pair: bool,
    /// Whether the first key is the family's number until it is put right: leads can't be captured
    /// by what is not unique.
    is_first_wrong: bool,
    /// Whether the second key is the phone number, which is unique, or the family's.
    pub is_unique: bool,
    /// The connectors' lead behaviour.
    pub behaviour: &'static str,
    /// What happens where it is not plain: `several`, `keys_disagree`, `linked`.
    pub rules: [&'static str; 3],
    pub policy: &'static str,
    /// Of accounts that were both in use before, who wins: what is edited is the same on both sides
    /// then, different, or empty.
    pub first_meeting: Option<&'static str>,
}

const REVIEW: [&str; 3] = ["review"; 3];
const PAIR: Terms = Terms {
    is_pair: true,
    is_first_wrong: false,
    is_unique: false,
    behaviour: "create_and_update",
    rules: REVIEW,
    policy: "newest",
    first_meeting: None,
};
const FULL: Terms = Terms { first_meeting: Some("changed"), ..PAIR };

/// Pairs of accounts that were both in use before.
pub const FULL_TERMS: [Terms; 8] = [
    FULL,
    Terms { is_unique: true, ..FULL },
    Terms { policy: "source", ..FULL },
    Terms { policy: "fill_blank", ..FULL },
    Terms { policy: "review", ..FULL },
    Terms { first_meeting: Some("fill_blank"), ..FULL },
    Terms { first_meeting: Some("source"), ..FULL },
    Terms { first_meeting: Some("newest"), ..FULL },
];

pub const TERMS: [Terms; 11] = [
    PAIR,
    Terms { policy: "review", ..PAIR },
    Terms { is_unique: true, ..PAIR },
    Terms { is_unique: true, policy: "review", ..PAIR },
    Terms { is_pair: false, ..PAIR },
    Terms { is_pair: false, is_unique: true, ..PAIR },
    Terms { is_pair: false, behaviour: "create_only", ..PAIR },
    Terms { is_pair: false, is_unique: true, behaviour: "update_only", ..PAIR },
    Terms { is_pair: false, is_first_wrong: true, ..PAIR },
    Terms { rules: ["newest", "primary", "skip"], ..PAIR },
    Terms { rules: ["skip", "skip", "relink"], is_pair: false, ..PAIR },
];

/// What people edit.
const EDITED: [&str; 2] = ["City", "mx_Hobby"];

impl Terms {
    /// Whether both accounts were in use before.
    fn is_full(self) -> bool {
        self.first_meeting.is_some()
    }
}

/// People who are there in the beginning, and those who come later.
const PEOPLE: usize = 6;

pub struct Matching {
    world: World,
    terms: Terms,
    /// Whose lead it is, by side.
    owners: [BTreeMap<LeadId, usize>; 2],
    /// The most leads that a person may have, by side.
    most: [BTreeMap<usize, usize>; 2],
    /// People of whom a lead was deleted.
    bereft: BTreeSet<usize>,
    /// What leads that are ignored hold.
    ignored: BTreeMap<(usize, LeadId), Snapshot>,
    /// Reviews that were undone: that is done once.
    undone: BTreeSet<i64>,
    /// Fields of people that were edited once the connectors were set up.
    edited: BTreeSet<(usize, &'static str)>,
    /// The chances of what is in both accounts before.
    before: Chance,
}

fn catalogue() -> Catalogue {
    Catalogue::from(FieldList::from(vec![
        Field { unique: true, ..plain("EmailAddress", Kind::Email) },
        plain("FirstName", Kind::Text),
        Field { unique: true, ..plain("Phone", Kind::Text) },
        plain("Mobile", Kind::Text),
        plain("mx_Family", Kind::Text),
        plain("City", Kind::Text),
        plain("mx_Hobby", Kind::Text),
        plain("mx_Mark", Kind::Text),
    ]))
}

fn settings(terms: Terms) -> String {
    let first = if terms.is_first_wrong { "mx_Family" } else { "EmailAddress" };
    let second = if terms.is_unique { "Phone" } else { "mx_Family" };
    let [several, keys_disagree, linked] = terms.rules;
    format!(
        r#""basic":{{"search_by":"{first}","secondary_search_by":"{second}"}},
        "identity":{{"several":"{several}","keys_disagree":"{keys_disagree}","linked":"{linked}"}},
        "conflict":{{"policy":"{policy}","first_meeting":"{first_meeting}"}},"removed":{{"field":"mx_Mark"}},
        "lead":{{"behaviour":"{behaviour}","field":[
            {{"from":"EmailAddress","to":"EmailAddress"}},{{"from":"FirstName","to":"FirstName"}},
            {{"from":"Phone","to":"Phone"}},{{"from":"mx_Family","to":"mx_Family"}},
            {{"from":"City","to":"City"}},{{"from":"mx_Hobby","to":"mx_Hobby"}}]}}"#,
        policy = terms.policy,
        first_meeting = terms.first_meeting.unwrap_or("changed"),
        behaviour = terms.behaviour,
    )
}

pub fn email(person: usize) -> String {
    format!("p{person}@example.com")
}

impl Matching {
    pub fn new(seed: u64, weather: Weather, terms: Terms, without: Option<Protection>) -> Self {
        let chance = Chance(seed);
        let account = |side: usize| Account {
            catalogue: catalogue(),
            prefix: ["a", "b"][side],
            manners: Manners {
                is_silent: seed % 4 == 1,
                is_nameless: seed % 4 == 2 && side == 1,
                shouts: seed % 4 == 3,
                ..Manners::default()
            },
            ..Account::default()
        };
        let settings = settings(terms);
        let definitions =
            [0, 1].map(|from| (from == 0 || terms.is_pair).then(|| definition(from, &settings)));
        let accounts = [account(0), account(1)];
        Self {
            world: World::new((chance, weather), accounts, definitions, without)
                .posting(Posts::of(seed)),
            terms,
            owners: [BTreeMap::new(), BTreeMap::new()],
            most: [BTreeMap::new(), BTreeMap::new()],
            bereft: BTreeSet::new(),
            ignored: BTreeMap::new(),
            undone: BTreeSet::new(),
            edited: BTreeSet::new(),
            before: Chance(seed ^ 0x5eed),
        }
    }

    fn service(&self) -> &Service {
        &self.world.service
    }

    /// The person's leads of this account, the oldest first.
    fn leads_of(&self, side: usize, person: usize) -> Vec<LeadId> {
        let account = &self.world.accounts[side];
        let own = self.owners[side].iter().filter(|(_, owner)| **owner == person);
        own.map(|(id, _)| id.clone()).filter(|id| account.leads.contains_key(id)).collect()
    }

    /// A person gets a lead.
    fn add(&mut self, side: usize, person: usize, address: &str, more: &[(&str, &str)]) {
        let name = format!("P{person}");
        let mut fields = vec![("FirstName", name.as_str()), ("EmailAddress", address)];
        fields.extend(more);
        let values = EDITED.map(|_| match self.before.below(3) {
            0 => format!("Old{person}"),
            1 => format!("Old{person} of {side}"),
            _ => String::new(),
        });
        if self.terms.is_full() {
            fields.extend(EDITED.into_iter().zip(&values).map(|(to, value)| (to, value.as_str())));
        }
        let now = self.world.now;
        let Some(id) = self.world.accounts[side].add(&fields, now) else { return };
        self.world
            .service
            .story
            .add(|| format!("{now} side {side}: {id} is P{person}: {fields:?}"));
        self.owners[side].insert(id, person);
    }

    /// Those whom we made are the person's from whose lead they were made.
    fn learn_owners(&mut self) {
        for side in [0, 1] {
            let ids: Vec<LeadId> = self.world.accounts[side].leads.keys().cloned().collect();
            for id in ids {
                if self.owners[side].contains_key(&id) {
                    continue;
                }
                let lead = &self.world.accounts[side].leads[&id];
                let owner = lead.get("FirstName").and_then(named).expect("it has a name");
                self.owners[side].insert(id, owner);
            }
        }
    }

    /// The accounts as they are when the connectors are set up.
    fn begin(&mut self) {
        for person in 0..PEOPLE {
            let family = format!("F{person}");
            let phone = format!("98{person:08}");
            let shared = [("mx_Family", family.as_str()), ("Phone", phone.as_str())];
            match self.world.chance.below(6) {
                // In the one account only, or in both.
                0 => self.add(0, person, &email(person), &shared),
                1 => {
                    self.add(0, person, &email(person), &shared);
                    self.add(1, person, &email(person), &shared);
                }
                // Known here by another address.
                2 => {
                    self.add(0, person, &email(person), &shared);
                    self.add(1, person, &format!("old.{}", email(person)), &shared);
                }
                // Twice in the other account, under other addresses.
                3 => {
                    self.add(0, person, &email(person), &shared);
                    for name in ["old", "older"] {
                        self.add(1, person, &format!("{name}.{}", email(person)), &shared[..1]);
                    }
                }
                // Twice: by each key another one.
                4 => {
                    self.add(0, person, &email(person), &shared);
                    self.add(1, person, &email(person), &[]);
                    self.add(1, person, &format!("old.{}", email(person)), &shared);
                }
                _ => self.add(1, person, &email(person), &shared),
            }
        }
    }

    /// Somebody does something in one of the accounts.
    fn person(&mut self) {
        self.learn_owners();
        let chance = &mut self.world.chance;
        let side = if self.terms.is_pair { chance.below(2) } else { 0 };
        let person = chance.below(PEOPLE);
        let what = chance.below(12);
        let own = self.leads_of(side, person);
        match what {
            // A relative of somebody who is known on both sides comes, and has the family's number.
            0 if !self.terms.is_unique => self.relative(side, person),
            // A number goes from one to another.
            1 if self.terms.is_unique && self.terms.is_pair => self.number_moves(side, person),
            2 => self.remove(side, person),
            _ => {
                let Some(id) = own.first().cloned() else { return };
                let value = format!("New{}", self.world.chance.below(1_000));
                let field = if self.terms.is_full() { *self.before.one(&EDITED) } else { "City" };
                if self.edit(side, &id, &[(field, &value)]) {
                    self.edited.insert((person, field));
                }
            }
        }
    }

    fn edit(&mut self, side: usize, id: &LeadId, fields: &[(&str, &str)]) -> bool {
        let now = self.world.now;
        let done = self.world.accounts[side].edit(id, fields, now);
        if let Some(ignored) = self.ignored.get_mut(&(side, id.clone())).filter(|_| done) {
            ignored.absorb(&fields.iter().copied().collect());
        }
        self.world.service.story.add(|| format!("{now} side {side}: {id} {fields:?}: {done}"));
        done
    }

    fn relative(&mut self, side: usize, person: usize) {
        let relative = person + PEOPLE;
        let is_known = [0, 1].iter().any(|side| !self.leads_of(*side, relative).is_empty());
        let twins: Vec<LeadId> = self.leads_of(1 - side, person);
        // Who shares a number with somebody that nothing is known of is that one, by the settings.
        let all_linked = !twins.is_empty()
            && twins.iter().all(|id| self.service().link_of(1 - side, id.as_str()).is_some());
        if !is_known && all_linked && !self.bereft.contains(&person) {
            let family = format!("F{person}");
            self.add(side, relative, &email(relative), &[("mx_Family", &family)]);
        }
    }

    /// Somebody new gets the number that a person on the other side still has.
    fn number_moves(&mut self, side: usize, person: usize) {
        let relative = person + PEOPLE;
        let is_known = [0, 1].iter().any(|side| !self.leads_of(*side, relative).is_empty());
        let Some(own) = self.leads_of(side, person).first().cloned() else { return };
        let number = self.world.accounts[side].leads[&own].filled("Phone").map(str::to_owned);
        let is_linked = self.service().link_of(side, own.as_str()).is_some();
        let may = is_linked && !is_known && !self.bereft.contains(&person);
        let Some(number) = number.filter(|_| may) else { return };
        // Whose nothing is known of is the one who has the number, by the settings.
        let holder = self.world.accounts[1 - side].by("Phone", &number);
        if holder.is_none_or(|id| self.service().link_of(1 - side, id.as_str()).is_none()) {
            return;
        }
        let other = format!("97{:08}", self.world.chance.below(100_000_000));
        self.edit(side, &own, &[("Phone", &other)]);
        self.add(side, relative, &email(relative), &[("Phone", &number)]);
    }

    fn remove(&mut self, side: usize, person: usize) {
        let own = self.leads_of(side, person);
        let shares = [0, 1].iter().any(|side| !self.leads_of(*side, person + PEOPLE).is_empty());
        let Some(id) = own.first().filter(|_| !shares) else { return };
        let is_linked = self.service().link_of(side, id.as_str()).is_some();
        if !is_linked || !self.world.chance.of(250) || !self.bereft.insert(person) {
            return;
        }
        let now = self.world.now;
        let lead = self.world.accounts[side].remove(id).expect("it was found");
        self.world.service.story.add(|| format!("{now} side {side}: {id} is deleted"));
        self.world.post_removal(side, &lead, Removal::Deleted);
    }
}

/// The person whom a name names.
fn named(name: &str) -> Option<usize> {
    name.strip_prefix('P')?.parse().ok()
}

impl Life for Matching {
    fn world(&mut self) -> &mut World {
        &mut self.world
    }

    fn wrong(&mut self) -> Option<String> {
        const DEEDS: usize = 20;
        self.begin();
        self.count();
        for _ in 0..DEEDS {
            self.person();
            self.world.send();
            let pause = *self.world.chance.one(&[0, 1, 7, 60, 600, 4_000]);
            self.world.pass(pause);
            if self.world.chance.of(700) {
                self.world.work();
            }
            if self.world.chance.of(200) {
                self.decide(true);
            }
            if let Some(wrong) = self.overwritten() {
                return Some(wrong);
            }
        }
        self.end().or_else(|| self.check())
    }
}
