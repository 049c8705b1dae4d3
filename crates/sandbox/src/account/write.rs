//! Creating, changing, deleting and merging leads.

use super::fire::Event;
use super::history::{FieldChange, Version, Who};
use super::{Account, Row, Slot};
use crate::lead::{Change, Lead};
use crate::metadata::FieldNo;
use crate::refusal::Refusal;
use jiff::Timestamp;
use std::sync::Arc;

/// Who writes, when, and whether that triggers automations.
#[derive(Clone)]
pub(crate) struct Stamp {
    pub(crate) at: Timestamp,
    pub(crate) who: Who,
    /// `CreatedBy`, `ModifiedBy`, and the owner of new leads.
    pub(crate) user: Arc<str>,
    pub(crate) fires: bool,
}

impl Stamp {
    pub(crate) fn silent(&self) -> Self {
        Self { fires: false, ..self.clone() }
    }
}

impl Account {
    /// The value after a change.
    fn outcome(last: Option<&Arc<str>>, change: &Change) -> Option<Arc<str>> {
        match change {
            Change::Set(text) => Some(text.clone()),
            Change::Clear => None,
            Change::Parts(parts) => {
                let mut map: serde_json::Map<String, serde_json::Value> =
                    last.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
                for (name, text) in parts {
                    if text.is_empty() {
                        map.shift_remove(&**name);
                    } else {
                        map.insert(name.to_string(), text.as_str().into());
                    }
                }
                (!map.is_empty()).then(|| serde_json::Value::Object(map).to_string().into())
            }
        }
    }

    /// Refuses values of unique fields that another lead already has.
    fn check_unique(&self, row: &Row, own: Option<Slot>) -> Result<(), Refusal> {
        for (no, change) in &row.changes {
            let field = self.setup.field(*no);
            if let Change::Set(text) = change
                && field.unique
                && let Some(holder) = self.ledger.holder(&self.setup, *no, text)
                && Some(holder) != own
            {
                return Err(Refusal::duplicate(&field.display_name));
            }
        }
        Ok(())
    }

    /// Creates a lead and fires New Lead.
    pub(crate) fn create(
        &mut self,
        row: &Row,
        id: Option<Arc<str>>,
        stamp: &Stamp,
    ) -> Result<Slot, Refusal> {
        let setup = self.setup.clone();
        let known = &setup.known;
        let missing = setup.order.iter().map(|&no| (no, setup.field(no))).find(|(no, field)| {
            field.mandatory && row.set(*no).is_none() && field.default.is_none()
        });
        if let Some((_, field)) = missing {
            let name = &field.schema_name;
            return Err(Refusal::mandatory(format!("'{name}' is mandatory for creating lead")));
        }
        self.check_unique(row, None)?;
        let mut values: Vec<(FieldNo, Arc<str>)> =
            Vec::with_capacity(row.changes.len() + DEFAULTS_EXPECTED);
        for &no in &setup.order {
            if setup.is_stored(no)
                && let Some(text) = &setup.field(no).default
            {
                values.push((no, text.clone()));
            }
        }
        let mut lead = Lead {
            id: id.unwrap_or_else(|| self.chance.guid()),
            auto_id: self.ledger.next_auto_id(),
            created_on: stamp.at,
            created_by: stamp.user.clone(),
            modified_on: stamp.at,
            modified_by: stamp.user.clone(),
            touched_on: stamp.at,
            first_activity: None,
            last_activity: None,
            values,
        };
        lead.values.sort_unstable_by_key(|&(no, _)| no);
        let origin = match stamp.who {
            Who::Person(_) | Who::Automation(_) => "Quick Add",
            Who::Api(_) | Who::Bulk(_) => "API",
        };
        lead.store(known.origin, Some(origin.into()));
        lead.store(known.owner, Some(stamp.user.clone()));
        let mut changes = Vec::with_capacity(row.changes.len());
        for (no, change) in &row.changes {
            let after = Self::outcome(None, change);
            if after.is_some() || lead.stored(*no).is_none() {
                lead.store(*no, after.clone());
            }
            if after.is_some() {
                let field = setup.field(*no).schema_name.clone();
                changes.push(FieldChange { field, before: None, after });
            }
        }
        let version = Version { at: stamp.at, who: stamp.who.clone(), changes };
        let slot = self.ledger.insert(&setup, lead, version);
        if stamp.fires {
            self.fire(&Event::LeadCreated { slot }, stamp);
        }
        Ok(slot)
    }

    /// Changes a lead, and fires Lead Update if a value changed. Returns whether one did.
    pub(crate) fn update(&mut self, slot: Slot, row: &Row, stamp: &Stamp) -> Result<bool, Refusal> {
        let setup = self.setup.clone();
        self.check_unique(row, Some(slot))?;
        let before = self.ledger.lead(slot).clone();
        let mut changes = Vec::new();
        let mut fields = Vec::new();
        let mut next = None;
        for (no, change) in &row.changes {
            let last = before.stored(*no);
            let after = Self::outcome(last, change);
            if last == after.as_ref() {
                continue;
            }
            let field = setup.field(*no).schema_name.clone();
            changes.push(FieldChange { field, before: last.cloned(), after: after.clone() });
            fields.push(*no);
            next.get_or_insert_with(|| Lead::clone(&before)).store(*no, after);
        }
        if fields.is_empty() && !setup.switches.touch_without_change.is_on() {
            return Ok(false);
        }
        let mut next = next.unwrap_or_else(|| Lead::clone(&before));
        next.modified_on = stamp.at;
        next.modified_by = stamp.user.clone();
        next.touched_on = stamp.at;
        let version = Version { at: stamp.at, who: stamp.who.clone(), changes };
        self.ledger.replace(&setup, slot, next, &fields, Some(version));
        if stamp.fires && !fields.is_empty() {
            self.fire(&Event::LeadUpdated { slot, before, changed: &fields }, stamp);
        }
        Ok(!fields.is_empty())
    }

    /// Deletes a lead with its activities. No automation trigger is known for it.
    pub(crate) fn delete(&mut self, slot: Slot) {
        let setup = self.setup.clone();
        if let Some(gone) = self.ledger.remove(&setup, slot) {
            self.activities.forget_lead(slot);
            self.fire_removed(slot, &gone, None);
        }
    }

    /// Merges the second lead into the first: moves the activities and deletes the second. The first
    /// fires Lead Update. The payload of a merge is not known.
    pub(crate) fn merge(
        &mut self,
        keep: Slot,
        gone: Slot,
        values: Lost,
        stamp: &Stamp,
    ) -> Result<(), Refusal> {
        let (kept, lost) = (self.ledger.lead(keep).clone(), self.ledger.lead(gone).clone());
        let mut row = Row::default();
        for (no, text) in &lost.values {
            if values == Lost::WhereFilled && kept.stored(*no).is_none() {
                row.changes.push((*no, Change::Set(text.clone())));
            }
        }
        let setup = self.setup.clone();
        self.ledger.remove(&setup, gone);
        self.activities.move_lead(gone, keep, &kept.id);
        self.update(keep, &row, stamp)?;
        self.fire_removed(gone, &lost, Some(&kept));
        Ok(())
    }
}

/// Which values are lost of a lead that is merged into another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lost {
    /// All: as the API does (apidocs.leadsquared.com/merge-leads).
    All,
    /// Those that the other one has: as a person may choose (guess).
    WhereFilled,
}

/// How many fields of a new lead are expected to have defaults.
const DEFAULTS_EXPECTED: usize = 20;
