//! The fields, users and activity types that leads are interpreted with.

use super::{ActivityType, Field, Role, User};
use crate::id;
use crate::switches::Switches;
use std::collections::HashMap;
use std::sync::Arc;

/// The index of a field in [`Setup::fields`]; never reused.
pub(crate) type FieldNo = u16;

/// An account's setup. It is replaced as a whole when it changes, so that responses can be written
/// without holding the account's lock.
#[derive(Clone)]
pub(crate) struct Setup {
    fields: Vec<Field>,
    /// The fields that have not been removed, by schema name.
    by_name: HashMap<Arc<str>, FieldNo>,
    /// The fields that have not been removed, in order.
    pub(crate) order: Vec<FieldNo>,
    pub(crate) users: Vec<User>,
    pub(crate) types: Vec<ActivityType>,
    pub(crate) switches: Switches,
    pub(crate) known: Known,
}

/// The fields that the account's rules refer to.
#[derive(Clone, Copy)]
pub(crate) struct Known {
    pub(crate) email: FieldNo,
    pub(crate) phone: FieldNo,
    pub(crate) mobile: FieldNo,
    pub(crate) owner: FieldNo,
    pub(crate) origin: FieldNo,
    pub(crate) source: [FieldNo; 4],
    pub(crate) names: [FieldNo; 2],
}

impl Setup {
    pub(crate) fn new(fields: Vec<Field>, users: Vec<User>, switches: Switches) -> Self {
        let mut fields = fields;
        for field in super::catalogue::fields() {
            // The rules refer to these: every account needs them.
            let needed = !field.is_custom();
            if needed && fields.iter().all(|have| have.schema_name != field.schema_name) {
                fields.push(field);
            }
        }
        let by_name: HashMap<Arc<str>, FieldNo> =
            fields.iter().zip(0..).map(|(field, no)| (field.schema_name.clone(), no)).collect();
        let no = |name: &str| by_name[name];
        let known = Known {
            email: no("EmailAddress"),
            phone: no("Phone"),
            mobile: no("Mobile"),
            owner: no("OwnerId"),
            origin: no("Origin"),
            source: ["Source", "SourceMedium", "SourceCampaign", "SourceContent"].map(no),
            names: ["FirstName", "LastName"].map(no),
        };
        let order = fields.iter().zip(0..).map(|(_, no)| no).collect();
        let types = super::catalogue::activity_types();
        Self { fields, by_name, order, users, types, switches, known }
    }

    pub(crate) fn field(&self, no: FieldNo) -> &Field {
        &self.fields[usize::from(no)]
    }

    pub(crate) fn number(&self, schema_name: &str) -> Option<FieldNo> {
        self.by_name.get(schema_name).copied()
    }

    /// Adds the field, or replaces the one with the same name.
    pub(crate) fn put(&mut self, field: Field) -> FieldNo {
        if let Some(no) = self.number(&field.schema_name) {
            self.fields[usize::from(no)] = field;
            return no;
        }
        let no = FieldNo::try_from(self.fields.len()).expect("an account has under 65,536 fields");
        self.by_name.insert(field.schema_name.clone(), no);
        self.order.push(no);
        self.fields.push(field);
        no
    }

    /// Removes a field; `false` if there is none, or if the rules need it.
    pub(crate) fn remove(&mut self, schema_name: &str) -> bool {
        let Some(no) = self.number(schema_name) else { return false };
        if !self.field(no).is_custom() {
            return false;
        }
        self.by_name.remove(schema_name);
        self.order.retain(|&have| have != no);
        true
    }

    pub(crate) fn user(&self, id: &str) -> Option<&User> {
        self.users.iter().find(|user| id::key(&user.id) == id::key(id))
    }

    pub(crate) fn activity_type(&self, event: u32) -> Option<&ActivityType> {
        self.types.iter().find(|kind| kind.code == event)
    }

    pub(crate) fn is_stored(&self, no: FieldNo) -> bool {
        matches!(self.field(no).role, Role::Stored | Role::Counter)
    }
}
