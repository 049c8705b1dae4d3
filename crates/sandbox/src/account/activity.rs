//! Activities on leads.

use super::ledger::Slot;
use crate::id;
use crate::lead::moment;
use crate::metadata::Setup;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// An activity about to be added.
#[derive(Clone, Debug, Default)]
pub(crate) struct NewActivity {
    pub(crate) event: u32,
    pub(crate) note: String,
    /// `ActivityDateTime`; the current time unless given.
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

impl Activity {
    /// An activity as native webhooks show it: `Data` is an object.
    pub(crate) fn shown(&self, setup: &Setup) -> Map<String, Value> {
        let event = if setup.switches.activity_event_number.is_on() {
            json!(self.event)
        } else {
            json!(self.event.to_string())
        };
        let mut data = Map::new();
        data.insert("Note".to_owned(), json!(self.note));
        for (name, value) in &self.fields {
            data.insert(name.to_string(), json!(&**value));
        }
        let mut item = Map::new();
        item.insert("ProspectActivityId".to_owned(), json!(&*self.id));
        item.insert("RelatedProspectId".to_owned(), json!(&*self.lead_id));
        item.insert("ActivityEvent".to_owned(), event);
        item.insert("ActivityEventName".to_owned(), json!(&*self.name));
        item.insert("CreatedBy".to_owned(), json!(&*self.created_by));
        item.insert("CreatedOn".to_owned(), json!(moment(self.created_on)));
        item.insert("ModifiedOn".to_owned(), json!(moment(self.modified_on)));
        item.insert("Data".to_owned(), Value::Object(data));
        item
    }
}

/// All activities.
#[derive(Default)]
pub(crate) struct Activities {
    /// By [`id::key`].
    all: HashMap<Box<str>, Arc<Activity>>,
    /// Their keys in `all`, oldest first.
    by_lead: HashMap<Slot, Vec<Box<str>>>,
    made: u64,
}

impl Activities {
    pub(crate) fn get(&self, id: &str) -> Option<&Arc<Activity>> {
        self.all.get(&*id::key(id))
    }

    /// A lead's activities, oldest first.
    pub(crate) fn of_lead(&self, slot: Slot) -> impl Iterator<Item = &Arc<Activity>> {
        self.by_lead.get(&slot).into_iter().flatten().filter_map(|key| self.all.get(key))
    }

    /// Every activity, in no particular order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Activity>> {
        self.all.values()
    }

    /// The `ProspectActivityAutoId` of the next activity.
    pub(super) fn next_auto_id(&mut self) -> u64 {
        self.made += 1;
        self.made
    }

    pub(super) fn insert(&mut self, activity: Arc<Activity>) {
        let key: Box<str> = id::key(&activity.id).into();
        self.by_lead.entry(activity.slot).or_default().push(key.clone());
        self.all.insert(key, activity);
    }

    pub(super) fn get_mut(&mut self, id: &str) -> Option<&mut Arc<Activity>> {
        self.all.get_mut(&*id::key(id))
    }

    /// Removes an activity, if it is there.
    pub(crate) fn remove(&mut self, id: &str) {
        let key: Box<str> = id::key(id).into();
        if let Some(activity) = self.all.remove(&key)
            && let Some(keys) = self.by_lead.get_mut(&activity.slot)
        {
            keys.retain(|other| *other != key);
        }
    }

    pub(super) fn forget_lead(&mut self, slot: Slot) {
        for key in self.by_lead.remove(&slot).unwrap_or_default() {
            self.all.remove(&key);
        }
    }

    pub(super) fn move_lead(&mut self, gone: Slot, keep: Slot, kept: &Arc<str>) {
        let keys = self.by_lead.remove(&gone).unwrap_or_default();
        for key in &keys {
            if let Some(activity) = self.all.get_mut(key) {
                let activity = Arc::make_mut(activity);
                activity.slot = keep;
                activity.lead_id = kept.clone();
            }
        }
        self.by_lead.entry(keep).or_default().extend(keys);
    }
}
