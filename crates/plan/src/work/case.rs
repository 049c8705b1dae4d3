//! What a decision depends on.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::activity::ActivityMapping;
use crate::connector::{Behaviour, Definition};
use crate::id::AccountId;
use crate::identity::{self, Key};
use crate::link::{End, Link};
use crate::mapping::{Mapped, Mapping};
use crate::outcome::Party;
use crate::payload::Item;

use super::known::{Before, Known};

/// The connector of a record, and everything else that does not depend on the record.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// Its settings.
    pub connector: &'a Definition,
    /// Its mapping of leads.
    pub leads: &'a Mapping,
    /// Its mapping of activities.
    pub activities: &'a ActivityMapping,
    /// Identifies the mappings: a record is mapped once for each value.
    pub generation: u64,
    /// The source account.
    pub source: Account<'a>,
    /// The destination account.
    pub destination: Account<'a>,
    /// The enabled connector in the opposite direction, if there is one: then both accounts should
    /// agree.
    pub opposite: Option<Opposite<'a>>,
    /// The time.
    pub now: Timestamp,
    /// Since when the store knows everything that was done: it may have been restored before that
    /// from a backup, which does not know what was done after it.
    pub unbroken: Timestamp,
}

/// An account of a connector.
#[derive(Clone, Copy, Debug)]
pub struct Account<'a> {
    /// Its number.
    pub id: AccountId,
    /// Its name.
    pub name: &'a str,
}

/// The connector in the opposite direction.
#[derive(Clone, Copy, Debug)]
pub struct Opposite<'a> {
    /// Its settings.
    pub connector: &'a Definition,
    /// Its mapping of leads.
    pub mapping: &'a Mapping,
}

impl<'a> Context<'a> {
    /// The account that has this part.
    pub fn account(&self, party: Party) -> Account<'a> {
        match party {
            Party::Source => self.source,
            Party::Destination => self.destination,
        }
    }

    /// Whether a write to this account should run its automations.
    pub(super) fn fires(&self, party: Party) -> bool {
        fires(self.connector, self.opposite, party)
    }
}

fn fires(connector: &Definition, opposite: Option<Opposite<'_>>, party: Party) -> bool {
    let writer = match party {
        Party::Destination => Some(connector),
        Party::Source => opposite.map(|opposite| opposite.connector),
    };
    writer.is_some_and(|connector| connector.lead.trigger_automations)
}

/// Everything that a decision about one lead, or one activity, depends on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case<'a> {
    /// The connector.
    pub connector: &'a Definition,
    /// Its mapping: of leads, or of the activity's type.
    pub mapping: &'a Mapping,
    /// What the source shows.
    pub item: &'a Item,
    /// What is known about it before the event.
    pub before: &'a Before,
    /// What the mapping makes of it.
    pub mapped: &'a Mapped,
    /// The account that it comes from.
    pub source: AccountId,
    /// The account that it goes to.
    pub destination: AccountId,
    /// Its link, if it is linked.
    pub link: Option<&'a Link>,
    /// What was found out since the attempt began.
    pub known: &'a Known,
    /// The connector in the opposite direction; none for an activity, since activities are not
    /// merged.
    pub opposite: Option<Opposite<'a>>,
    /// The time.
    pub now: Timestamp,
    /// Since when the store knows everything that was done.
    pub unbroken: Timestamp,
}

impl<'a> Case<'a> {
    /// The two ends of the link, the source's first.
    pub(super) fn ends(&self, link: &'a Link) -> (&'a End, &'a End) {
        (link.end(link.pair.side(self.source)), link.end(link.pair.side(self.destination)))
    }

    /// Whether the payload may be older than what was synced since: it may be from before our own
    /// write, or a person retries it, whenever it was posted, and it has no modification time.
    pub(super) fn may_be_stale(&self, here: &End) -> bool {
        let version = self.item.modified_on();
        here.may_be_stale(version) || self.known.asked && version.is_none()
    }

    /// The keys by which the destination can find the lead.
    pub(super) fn keys(&self) -> Vec<Key> {
        identity::keys(&self.connector.basic, self.mapped, self.mapping.reading())
    }

    /// What may have been written without our knowing to a lead that replaces one that is gone.
    pub(super) fn pending(&self) -> Option<&'a BTreeMap<String, Vec<String>>> {
        let there = self.replaced()?;
        there.replaced_at.is_some().then_some(&there.pending)
    }

    /// The earliest time, by our clock, at which a lead may have been created to replace one that
    /// is gone.
    pub(super) fn replaced_at(&self) -> Option<Timestamp> {
        self.replaced()?.replaced_at
    }

    /// The end of a lead that is gone, and which another one may have been created to replace.
    fn replaced(&self) -> Option<&'a End> {
        let known = self.known;
        let link = self.link.filter(|_| known.twin.gone && known.doubtful)?;
        Some(self.ends(link).1)
    }

    /// Whether a field is not written, because it is a key that another lead has, or another lead
    /// has the value.
    pub(super) fn leaves_out(&self, field: &str) -> bool {
        let search = &self.known.search;
        search.key_taken && self.is_key(field) || search.left_to_others.contains(field)
    }

    /// Whether leads are matched by this field of the destination.
    pub(super) fn is_key(&self, field: &str) -> bool {
        let basic = &self.connector.basic;
        basic.search_by == field || basic.secondary_search_by.as_deref() == Some(field)
    }

    /// Whether a write to this account should run its automations: what is written back to the
    /// source is written as the opposite connector would write it.
    pub(super) fn fires(&self, party: Party) -> bool {
        fires(self.connector, self.opposite, party)
    }

    /// Whether it is a lead synced both ways, under a behaviour that updates.
    pub(super) fn merges(&self) -> bool {
        self.opposite.is_some() && self.connector.lead.behaviour != Behaviour::CreateOnly
    }
}
