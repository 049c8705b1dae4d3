//! A lead: what is stored, how a value is checked, how it is shown.

mod show;
mod value;

pub(crate) use show::{Flat, Properties, moment, moment_millis, payload_blanks};
pub(crate) use value::{Change, checked, instant, unique_key};

use crate::metadata::{FieldNo, Role, Setup};
use jiff::Timestamp;
use std::borrow::Cow;
use std::sync::Arc;

/// The first or last activity of a lead.
#[derive(Clone)]
pub(crate) struct Mark {
    pub(crate) id: Arc<str>,
    pub(crate) name: Arc<str>,
    pub(crate) at: Timestamp,
}

/// One version of a lead: a change makes a new one.
#[derive(Clone)]
pub(crate) struct Lead {
    pub(crate) id: Arc<str>,
    pub(crate) auto_id: u64,
    pub(crate) created_on: Timestamp,
    pub(crate) created_by: Arc<str>,
    pub(crate) modified_on: Timestamp,
    pub(crate) modified_by: Arc<str>,
    /// `LeadLastModifiedOn`, which activities update too.
    pub(crate) touched_on: Timestamp,
    pub(crate) first_activity: Option<Mark>,
    pub(crate) last_activity: Option<Mark>,
    /// Sorted by field; blank fields are absent.
    pub(crate) values: Vec<(FieldNo, Arc<str>)>,
}

impl Lead {
    pub(crate) fn stored(&self, no: FieldNo) -> Option<&Arc<str>> {
        let at = self.values.binary_search_by_key(&no, |&(field, _)| field).ok()?;
        Some(&self.values[at].1)
    }

    pub(crate) fn store(&mut self, no: FieldNo, value: Option<Arc<str>>) {
        match (self.values.binary_search_by_key(&no, |&(field, _)| field), value) {
            (Ok(at), Some(value)) => self.values[at].1 = value,
            (Ok(at), None) => drop(self.values.remove(at)),
            (Err(at), Some(value)) => self.values.insert(at, (no, value)),
            (Err(_), None) => {}
        }
    }

    /// The value of any field as text of the API; `None` if it is blank.
    pub(crate) fn text<'a>(&'a self, setup: &'a Setup, no: FieldNo) -> Option<Cow<'a, str>> {
        let owner = || setup.user(self.stored(setup.known.owner)?);
        let user_name = |id: &str| setup.user(id).map(|user| Cow::Owned(user.name()));
        let borrowed = |text: &'a Arc<str>| Some(Cow::Borrowed(&**text));
        match setup.field(no).role {
            Role::Stored | Role::Counter => borrowed(self.stored(no)?),
            Role::ProspectId => borrowed(&self.id),
            Role::AutoId => Some(Cow::Owned(self.auto_id.to_string())),
            Role::CreatedOn => Some(Cow::Owned(moment_millis(self.created_on))),
            Role::CreatedBy => borrowed(&self.created_by),
            Role::CreatedByName => user_name(&self.created_by),
            Role::ModifiedOn => Some(Cow::Owned(moment_millis(self.modified_on))),
            Role::ModifiedBy => borrowed(&self.modified_by),
            Role::ModifiedByName => user_name(&self.modified_by),
            Role::LastModifiedOn => Some(Cow::Owned(moment_millis(self.touched_on))),
            Role::OwnerIdName => owner().map(|user| Cow::Owned(user.name())),
            Role::OwnerIdEmailAddress => owner().map(|user| Cow::Borrowed(&*user.email)),
            Role::FirstActivityId => self.first_activity.as_ref().and_then(|m| borrowed(&m.id)),
            Role::FirstActivityDate => {
                self.first_activity.as_ref().map(|mark| Cow::Owned(moment_millis(mark.at)))
            }
            Role::LastActivityId => self.last_activity.as_ref().and_then(|m| borrowed(&m.id)),
            Role::LastActivityDate => {
                self.last_activity.as_ref().map(|mark| Cow::Owned(moment_millis(mark.at)))
            }
            Role::LastActivityName => self.last_activity.as_ref().and_then(|m| borrowed(&m.name)),
        }
    }

    /// A timestamp field at full precision, for filters and sorting.
    pub(crate) fn instant(&self, role: Role) -> Option<Timestamp> {
        match role {
            Role::CreatedOn => Some(self.created_on),
            Role::ModifiedOn => Some(self.modified_on),
            Role::LastModifiedOn => Some(self.touched_on),
            Role::FirstActivityDate => self.first_activity.as_ref().map(|mark| mark.at),
            Role::LastActivityDate => self.last_activity.as_ref().map(|mark| mark.at),
            _ => None,
        }
    }
}
