//! An emulated account: leads with a unique key, times in whole seconds, its own ways to write
//! values, and automations of its own.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use plan::decide::{Change, Sought};
use plan::snapshot::Snapshot;

/// What an account makes of values, unknown to the engine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Manners {
    /// First names are kept in capitals.
    pub capitals: bool,
    /// Notes are cut to so many characters.
    pub cut: Option<usize>,
    /// An automation that sets `mx_Stage` to this whenever somebody else sets it to another value.
    pub wants: Option<&'static str>,
}

/// A change that was made in an account: the lead, and whether it was by the engine.
#[derive(Clone, Debug)]
pub struct Happened {
    pub lead: String,
    pub by_engine: bool,
}

#[derive(Clone, Debug, Default)]
pub struct Account {
    pub leads: BTreeMap<String, Snapshot>,
    pub manners: Manners,
    pub prefix: &'static str,
    /// Leads that were made so far.
    pub made: usize,
    /// Writes by the engine.
    pub writes: usize,
    pub happened: Vec<Happened>,
}

impl Account {
    pub fn by_email(&self, email: &str) -> Option<&str> {
        let mut leads = self.leads.iter();
        let found = leads.find(|(_, lead)| {
            lead.get("EmailAddress").is_some_and(|held| held.eq_ignore_ascii_case(email))
        });
        found.map(|(id, _)| id.as_str())
    }

    /// The lead of a person, whatever its email address is by now.
    pub fn by_person(&self, person: &str) -> Option<&str> {
        let mut leads = self.leads.iter();
        let found = leads.find(|(_, lead)| lead.get("mx_Person") == Some(person));
        found.map(|(id, _)| id.as_str())
    }

    /// The leads that a look finds.
    pub fn found(&self, by: &Sought) -> Vec<Snapshot> {
        let id = match by {
            Sought::Id(id) => Some(id.as_str()),
            Sought::Key(key) => self.by_email(&key.value),
        };
        id.and_then(|id| self.leads.get(id)).cloned().into_iter().collect()
    }

    /// Creates a lead, or answers the one that has its email.
    pub fn create(
        &mut self,
        fields: &[Change],
        now: Timestamp,
        by_engine: bool,
    ) -> Result<String, String> {
        let email = fields.iter().find(|change| change.to == "EmailAddress");
        if let Some(id) = email.and_then(|email| self.by_email(&email.value)) {
            return Err(id.to_owned());
        }
        self.made += 1;
        let id = format!("{}{}", self.prefix, self.made);
        let mut lead = Snapshot::default();
        for name in super::FIELDS {
            lead.put(name, "");
        }
        lead.put("mx_Mark", "");
        lead.put("ProspectID", id.as_str());
        lead.put("CreatedOn", written(now));
        self.leads.insert(id.clone(), lead);
        self.update(&id, fields, now, by_engine);
        Ok(id)
    }

    /// Writes fields, in the account's own manner; `false` if there is no such lead.
    pub fn update(&mut self, id: &str, fields: &[Change], now: Timestamp, by_engine: bool) -> bool {
        let manners = self.manners;
        let Some(lead) = self.leads.get_mut(id) else { return false };
        for change in fields {
            let mut value = change.value.clone();
            if manners.capitals && change.to == "FirstName" {
                value = value.to_uppercase();
            }
            if let Some(most) = manners.cut
                && change.to == "Notes"
            {
                value = value.chars().take(most).collect();
            }
            lead.put(change.to.as_str(), value);
        }
        if let Some(wanted) = manners.wants
            && lead.filled("mx_Stage").is_some_and(|stage| stage != wanted)
        {
            lead.put("mx_Stage", wanted);
        }
        lead.put("ModifiedOn", written(now));
        self.writes += usize::from(by_engine);
        self.happened.push(Happened { lead: id.to_owned(), by_engine });
        true
    }
}

/// A time as the API writes it: in whole seconds.
fn written(now: Timestamp) -> String {
    let whole = Timestamp::UNIX_EPOCH + SignedDuration::from_secs(now.as_second());
    whole.strftime("%Y-%m-%d %H:%M:%S").to_string()
}
