//! Activities on leads.

use super::fire::Event;
use super::{Account, Refusal, Slot, Stamp};
use crate::lead::{Lead, Mark};
use crate::metadata::Kind;
use jiff::Timestamp;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// A type of activity (apidocs.leadsquared.com/create-new-activity-type-api).
#[derive(Clone, Debug)]
pub struct ActivityType {
    pub(crate) code: u32,
    pub(crate) name: String,
    pub(crate) direction: u8,
    pub(crate) fields: Vec<ActivityField>,
}

/// A field of an activity type.
#[derive(Clone, Debug)]
pub(crate) struct ActivityField {
    pub(crate) schema_name: Arc<str>,
    pub(crate) display_name: String,
    pub(crate) kind: Kind,
    pub(crate) options: Vec<String>,
}

impl ActivityType {
    /// A type with that event code and name; 0 is inbound, 1 outbound.
    pub fn new(code: u32, name: &str, direction: u8) -> Self {
        Self { code, name: name.to_owned(), direction, fields: Vec::new() }
    }

    /// With a field.
    #[must_use]
    pub fn field(mut self, schema_name: &str, display_name: &str, kind: Kind) -> Self {
        self.fields.push(ActivityField {
            schema_name: schema_name.into(),
            display_name: display_name.to_owned(),
            kind,
            options: Vec::new(),
        });
        self
    }

    /// With a dropdown.
    #[must_use]
    pub fn dropdown(mut self, schema_name: &str, display_name: &str, options: &[&str]) -> Self {
        self = self.field(schema_name, display_name, Kind::Select);
        if let Some(field) = self.fields.last_mut() {
            field.options = options.iter().map(|&option| option.to_owned()).collect();
        }
        self
    }

    fn has(&self, schema_name: &str) -> bool {
        matches!(schema_name, "Status" | "Owner")
            || self.fields.iter().any(|field| &*field.schema_name == schema_name)
    }
}

/// An activity about to be added.
#[derive(Clone, Debug, Default)]
pub(crate) struct NewActivity {
    pub(crate) event: u32,
    pub(crate) note: String,
    /// `ActivityDateTime`; now, unless given.
    pub(crate) at: Option<Timestamp>,
    pub(crate) fields: Vec<(Arc<str>, Arc<str>)>,
}

impl NewActivity {
    pub(crate) fn of_fields(event: u32, fields: Vec<(Arc<str>, Arc<str>)>) -> Self {
        Self { event, fields, ..Self::default() }
    }
}

/// An activity.
#[derive(Clone, Debug)]
pub(crate) struct Activity {
    pub(crate) id: Arc<str>,
    pub(crate) auto_id: u64,
    pub(crate) slot: Slot,
    pub(crate) lead_id: Arc<str>,
    pub(crate) event: u32,
    pub(crate) name: Arc<str>,
    pub(crate) note: String,
    pub(crate) created_on: Timestamp,
    pub(crate) modified_on: Timestamp,
    pub(crate) created_by: Arc<str>,
    pub(crate) fields: BTreeMap<Arc<str>, Arc<str>>,
}

/// All activities.
#[derive(Default)]
pub(crate) struct Activities {
    all: HashMap<Arc<str>, Arc<Activity>>,
    by_lead: HashMap<Slot, Vec<Arc<str>>>,
    made: u64,
}

impl Activities {
    pub(crate) fn get(&self, id: &str) -> Option<&Arc<Activity>> {
        self.all.get(id)
    }

    /// A lead's activities, oldest first.
    pub(crate) fn of_lead(&self, slot: Slot) -> impl Iterator<Item = &Arc<Activity>> {
        self.by_lead.get(&slot).into_iter().flatten().filter_map(|id| self.all.get(id))
    }

    /// Every activity, in no order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Activity>> {
        self.all.values()
    }

    pub(super) fn forget_lead(&mut self, slot: Slot) {
        for id in self.by_lead.remove(&slot).unwrap_or_default() {
            self.all.remove(&id);
        }
    }

    pub(super) fn move_lead(&mut self, gone: Slot, keep: Slot, kept: &Arc<str>) {
        let ids = self.by_lead.remove(&gone).unwrap_or_default();
        for id in &ids {
            if let Some(activity) = self.all.get_mut(id) {
                let activity = Arc::make_mut(activity);
                activity.slot = keep;
                activity.lead_id = kept.clone();
            }
        }
        self.by_lead.entry(keep).or_default().extend(ids);
    }
}

impl Account {
    /// Adds an activity to a lead and fires New Activity.
    pub(crate) fn add_activity(
        &mut self,
        slot: Slot,
        new: NewActivity,
        stamp: &Stamp,
    ) -> Result<Arc<str>, Refusal> {
        let setup = self.setup.clone();
        let kind = setup.activity_type(new.event).ok_or_else(Refusal::activity_event)?;
        let unknown: Vec<&str> =
            new.fields.iter().map(|(name, _)| &**name).filter(|name| !kind.has(name)).collect();
        if !unknown.is_empty() {
            return Err(Refusal::unknown_attributes(&unknown));
        }
        let at = new.at.unwrap_or(stamp.at);
        let name: Arc<str> = kind.name.as_str().into();
        let id = self.chance.guid();
        let lead = self.ledger.lead(slot).clone();
        self.activities.made += 1;
        let activity = Arc::new(Activity {
            id: id.clone(),
            auto_id: self.activities.made,
            slot,
            lead_id: lead.id.clone(),
            event: new.event,
            name: name.clone(),
            note: new.note,
            created_on: at,
            modified_on: stamp.at,
            created_by: stamp.user.clone(),
            fields: new.fields.into_iter().collect(),
        });
        self.activities.all.insert(id.clone(), activity.clone());
        self.activities.by_lead.entry(slot).or_default().push(id.clone());
        let mark = Mark { id: id.clone(), name, at };
        let mut next = Lead::clone(&lead);
        next.touched_on = stamp.at;
        next.first_activity.get_or_insert_with(|| mark.clone());
        next.last_activity = Some(mark);
        self.ledger.replace(&setup, slot, next, &[], None);
        if stamp.fires {
            self.fire(&Event::ActivityCreated { activity }, stamp);
        }
        Ok(id)
    }

    /// Changes an activity's note (if given) and fields, and fires Activity Update.
    pub(crate) fn update_activity(
        &mut self,
        id: &str,
        note: Option<&str>,
        fields: Vec<(Arc<str>, Arc<str>)>,
        stamp: &Stamp,
    ) -> Result<(), Refusal> {
        let setup = self.setup.clone();
        let activity = self.activities.all.get_mut(id).ok_or_else(Refusal::no_activity)?;
        let kind = setup.activity_type(activity.event).ok_or_else(Refusal::activity_event)?;
        let unknown: Vec<&str> =
            fields.iter().map(|(name, _)| &**name).filter(|name| !kind.has(name)).collect();
        if !unknown.is_empty() {
            return Err(Refusal::unknown_attributes(&unknown));
        }
        let changed = Arc::make_mut(activity);
        changed.modified_on = stamp.at;
        if let Some(note) = note {
            note.clone_into(&mut changed.note);
        }
        changed.fields.extend(fields);
        let activity = activity.clone();
        let mut next = Lead::clone(self.ledger.lead(activity.slot));
        next.touched_on = stamp.at;
        self.ledger.replace(&setup, activity.slot, next, &[], None);
        if stamp.fires {
            self.fire(&Event::ActivityUpdated { activity }, stamp);
        }
        Ok(())
    }
}
