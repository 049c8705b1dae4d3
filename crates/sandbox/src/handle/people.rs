//! What people do in the CRM.

use super::Sandbox;
use crate::account::{Account, Lost, NewActivity, Pair, Stamp, Who};
use crate::refusal::Refusal;

impl Sandbox {
    /// A person creates a lead; returns its id.
    ///
    /// # Errors
    /// What the account refuses.
    pub fn create_lead(&self, fields: &[(&str, &str)]) -> Result<String, Refusal> {
        self.with(|account| {
            let stamp = person(account);
            let row = account.row(&pairs(fields))?;
            let slot = account.create(&row, None, &stamp)?;
            Ok(account.ledger.lead(slot).id.to_string())
        })
    }

    /// A person edits a lead; returns whether a value changed.
    ///
    /// # Errors
    /// What the account refuses.
    pub fn edit_lead(&self, id: &str, fields: &[(&str, &str)]) -> Result<bool, Refusal> {
        self.with(|account| {
            let stamp = person(account);
            let slot = account.ledger.slot(id).ok_or_else(Refusal::no_lead)?;
            let row = account.row(&pairs(fields))?;
            account.update(slot, &row, &stamp)
        })
    }

    /// A person merges a lead into another one.
    ///
    /// # Errors
    /// One of them does not exist, or they are the same.
    pub fn merge_leads(&self, keep: &str, gone: &str) -> Result<(), Refusal> {
        self.with(|account| {
            let stamp = person(account);
            let slot = |id| account.ledger.slot(id).ok_or_else(Refusal::no_lead);
            let (keep, gone) = (slot(keep)?, slot(gone)?);
            if keep == gone {
                return Err(Refusal::no_lead());
            }
            account.merge(keep, gone, Lost::WhereFilled, &stamp)
        })
    }

    /// A person deletes a lead.
    ///
    /// # Errors
    /// It does not exist.
    pub fn delete_lead(&self, id: &str) -> Result<(), Refusal> {
        self.with(|account| {
            let slot = account.ledger.slot(id).ok_or_else(Refusal::no_lead)?;
            account.delete(slot);
            Ok(())
        })
    }

    /// A person adds an activity to a lead; returns its id.
    ///
    /// # Errors
    /// What the account refuses.
    pub fn create_activity(
        &self,
        lead_id: &str,
        event: u32,
        note: &str,
        fields: &[(&str, &str)],
    ) -> Result<String, Refusal> {
        self.with(|account| {
            let stamp = person(account);
            let slot = account.ledger.slot(lead_id).ok_or_else(Refusal::no_lead)?;
            let fields = fields.iter().map(|&(name, value)| (name.into(), value.into())).collect();
            let new =
                NewActivity { note: note.to_owned(), ..NewActivity::of_fields(event, fields) };
            account.add_activity(slot, new, &stamp).map(|id| id.to_string())
        })
    }

    /// A person edits an activity.
    ///
    /// # Errors
    /// What the account refuses.
    pub fn edit_activity(
        &self,
        id: &str,
        note: Option<&str>,
        fields: &[(&str, &str)],
    ) -> Result<(), Refusal> {
        self.with(|account| {
            let stamp = person(account);
            let fields = fields.iter().map(|&(name, value)| (name.into(), value.into())).collect();
            account.update_activity(id, note, fields, &stamp)
        })
    }
}

fn pairs<'a>(fields: &'a [(&'a str, &'a str)]) -> Vec<Pair<'a>> {
    fields.iter().map(|&(name, value)| Pair::new(name, value)).collect()
}

/// The stamp of a person working in the CRM, who is the last of the users.
fn person(account: &Account) -> Stamp {
    let user = account.setup.users.last().unwrap_or(&account.setup.users[0]);
    Stamp {
        at: (account.clock)(),
        who: Who::Person(user.name().into()),
        user: user.id.clone(),
        fires: true,
    }
}
