//! Adding and changing activities.

use super::fire::Event;
use super::{Account, Activity, NewActivity, Slot, Stamp};
use crate::lead::{Lead, Mark};
use crate::refusal::Refusal;
use std::sync::Arc;

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
        let activity = Arc::new(Activity {
            id: id.clone(),
            auto_id: self.activities.next_auto_id(),
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
        self.activities.insert(activity.clone());
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
        let activity = self.activities.get_mut(id).ok_or_else(Refusal::no_activity)?;
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
