//! The plan's view of a record.

use std::sync::Arc;

use jiff::Timestamp;
use plan::activity::{self, ActivityCase, Unmapped};
use plan::decide::{self, Case, Decision, Known, Opposite};
use plan::link::Link;
use plan::mapping::Mapping;
use plan::outcome::Entity;
use plan::payload::Item;
use store::RecordKey;

use super::book::{MappedBy, Record};
use super::route::{Mappings, Route};
use super::worker::Worker;

impl Worker {
    /// Decides about a record; `None` while an account has not told what that needs.
    pub(super) fn decide(&mut self, key: RecordKey) -> Option<Decision> {
        let decision = self.with(key, |view| match view.record.item.entity() {
            Entity::Lead => view.lead(decide::decide),
            Entity::Activity => view.decide_activity(),
        })?;
        self.note_decision(key, &decision);
        Some(decision)
    }

    /// Runs `with` on the case of the record itself; an activity that is not mapped has none.
    pub(super) fn with_case<T>(
        &mut self,
        key: RecordKey,
        with: impl FnOnce(&Case<'_>) -> T,
    ) -> Option<T> {
        self.with(key, |view| match view.record.item.entity() {
            Entity::Lead => Some(view.lead(with)),
            Entity::Activity => {
                let kind = view.mappings.activities.of(&view.record.item).ok()?;
                Some(view.own(&kind.mapping, with))
            }
        })?
    }

    /// Runs `with` on the case of the lead: the record itself, or the one that the activity is on.
    pub(super) fn with_lead<T>(
        &mut self,
        key: RecordKey,
        with: impl FnOnce(&Case<'_>) -> T,
    ) -> Option<T> {
        self.with(key, |view| view.lead(with))
    }

    fn with<T>(&mut self, key: RecordKey, with: impl FnOnce(&mut View<'_>) -> T) -> Option<T> {
        let connector = self.book.connector(key)?;
        let past = self.book.past(key);
        let mappings = self.mappings(connector, past)?;
        let opposite = self.opposite(connector);
        let now = self.now();
        let route = match past {
            None => self.routes.get(&connector)?,
            Some(version) => self.past.get(&(connector, version))?,
        };
        let record = self.book.record_mut(key)?;
        let opposite = opposite.as_ref().map(|(definition, mappings)| Opposite {
            connector: definition,
            mapping: &mappings.leads,
        });
        Some(with(&mut View { route, mappings: &mappings, opposite, now, record }))
    }
}

struct View<'a> {
    route: &'a Route,
    mappings: &'a Mappings,
    opposite: Option<Opposite<'a>>,
    now: Timestamp,
    record: &'a mut Record,
}

/// What of a record or its lead a case is made of.
struct Parts<'a> {
    mapping: &'a Mapping,
    item: &'a Item,
    link: Option<&'a Link>,
    known: &'a Known,
    mapped: &'a mut MappedBy,
    /// Of a lead; activities are posted, not merged.
    opposite: Option<Opposite<'a>>,
    now: Timestamp,
}

impl View<'_> {
    /// Runs `with` on the lead's case.
    fn lead<T>(&mut self, with: impl FnOnce(&Case<'_>) -> T) -> T {
        let Record { item, link, known, mapped, lead, .. } = &mut *self.record;
        let mapping = &self.mappings.leads;
        let (opposite, now) = (self.opposite, self.now);
        let parts = match lead {
            Some(lead) => Parts {
                mapping,
                item: &lead.item,
                link: lead.link.as_ref(),
                known: &lead.known,
                mapped: &mut lead.mapped,
                opposite,
                now,
            },
            None => Parts { mapping, item, link: link.as_ref(), known, mapped, opposite, now },
        };
        parts.case(self.route, with)
    }

    /// Runs `with` on the record's own case.
    fn own<T>(&mut self, mapping: &Mapping, with: impl FnOnce(&Case<'_>) -> T) -> T {
        let Record { item, link, known, mapped, .. } = &mut *self.record;
        let (opposite, now) = (None, self.now);
        let parts = Parts { mapping, item, link: link.as_ref(), known, mapped, opposite, now };
        parts.case(self.route, with)
    }

    fn decide_activity(&mut self) -> Decision {
        if let Some(problem) = activity::switched_off(&self.route.definition) {
            return Decision::Skip { problem };
        }
        let mappings = self.mappings;
        let kind = match mappings.activities.of(&self.record.item) {
            Ok(kind) => kind,
            Err(Unmapped::Skipped(problem)) => return Decision::Skip { problem },
            Err(Unmapped::Refused(problem)) => return Decision::Refuse { problems: vec![problem] },
        };
        let Record { item, link, known, mapped, lead, .. } = &mut *self.record;
        let Some(lead) = lead else { return Decision::Refuse { problems: Vec::new() } };
        let (opposite, now) = (self.opposite, self.now);
        let own = Parts {
            mapping: &kind.mapping,
            item,
            link: link.as_ref(),
            known,
            mapped,
            opposite: None,
            now,
        };
        let of_lead = Parts {
            mapping: &mappings.leads,
            item: &lead.item,
            link: lead.link.as_ref(),
            known: &lead.known,
            mapped: &mut lead.mapped,
            opposite,
            now,
        };
        own.case(self.route, |activity| {
            of_lead.case(self.route, |lead| {
                let (activity, lead) = (*activity, *lead);
                activity::decide(&ActivityCase { activity, lead, event: kind.to })
            })
        })
    }
}

impl Parts<'_> {
    fn case<T>(self, route: &Route, with: impl FnOnce(&Case<'_>) -> T) -> T {
        let Parts { mapping, item, link, known, mapped, opposite, now } = self;
        let mapped = match mapped {
            Some((generation, mapped)) if *generation == route.generation => &*mapped,
            _ => &mapped.insert((route.generation, Arc::new(mapping.apply(item)))).1,
        };
        with(&Case {
            connector: &route.definition,
            mapping,
            item,
            mapped,
            source: route.source,
            destination: route.destination,
            link,
            known,
            opposite,
            now,
        })
    }
}
