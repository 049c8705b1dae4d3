//! The test lead: what marks it, and how it goes again.

use leadsquared::{Automations, Error, LeadWrite};
use plan::probe::{ADDRESSES, LAST_NAME};
use plan::problem::{Code, Problem};

use super::Probe;

/// The phone number of a test lead as LeadSquared writes them, and its digits. Numbers from 555-0100 to 555-0199
/// belong to nobody (North American Numbering Plan).
pub(super) const PHONE: &str = "+1-2025550143";
pub(super) const DIGITS: &str = "12025550143";
/// Another one.
pub(super) const OTHER_PHONE: &str = "+1-2025550144";

/// At most so many test leads are removed that share an address.
const MOST: usize = 20;

impl Probe<'_> {
    /// Removes test leads that are still there. Returns the ids of those that the account does not
    /// let be deleted.
    ///
    /// # Errors
    /// The account can't be reached or refuses, or a lead that is none of ours has one of their
    /// addresses or phone numbers: nothing is written then.
    pub async fn clean(&self) -> Result<Vec<String>, Problem> {
        let mut left: Vec<String> = Vec::new();
        for address in ADDRESSES {
            for _ in 0..MOST {
                let found = self.ask(|| self.client.leads_by_email(address)).await.result;
                let found = found.map_err(|error| self.problem(&error))?;
                let new = found
                    .iter()
                    .find(|lead| lead.id().is_some_and(|id| !left.iter().any(|other| other == id)));
                let Some(lead) = new else { break };
                if lead.get("LastName") != Some(LAST_NAME) {
                    return Err(strange(self.account, address));
                }
                let id = lead.id().unwrap_or_default();
                if !self.remove(id).await.map_err(|error| self.problem(&error))? {
                    left.push(id.to_owned());
                }
            }
        }
        for number in [PHONE, OTHER_PHONE] {
            let found = self.ask(|| self.client.leads_by_phone(number)).await.result;
            let found = found.map_err(|error| self.problem(&error))?;
            for lead in found {
                if lead.get("LastName") != Some(LAST_NAME) {
                    return Err(strange(self.account, number));
                }
                let Some(id) = lead.id().filter(|id| !left.iter().any(|other| other == id)) else {
                    continue;
                };
                if !self.remove(id).await.map_err(|error| self.problem(&error))? {
                    left.push(id.to_owned());
                }
            }
        }
        Ok(left)
    }

    /// Deletes a test lead; `false` if the account does not let it. It keeps its last name then.
    pub(super) async fn remove(&self, id: &str) -> Result<bool, Error> {
        match self.ask(|| self.client.delete_lead(id)).await.result {
            Ok(_) => Ok(true),
            Err(Error::Refused { .. }) => {
                let mark = LeadWrite::new([("LastName", LAST_NAME)]);
                let marked =
                    self.ask(|| self.client.update_lead(id, &mark, Automations::Quiet)).await;
                match marked.result {
                    // It was gone.
                    Err(Error::Refused { .. }) => Ok(true),
                    marked => marked.map(|_| false),
                }
            }
            Err(error) => Err(error),
        }
    }
}

fn strange(account: &str, key: &str) -> Problem {
    Problem::new(
        Code::Duplicate,
        format!("The account {account} has a lead with {key} that is not a test lead of leadsync."),
        "Rename or remove that lead, then probe again. Nothing was written.",
    )
}
