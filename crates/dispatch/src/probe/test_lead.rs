//! The test lead: what marks it, and how it is removed.

use leadsquared::{Automations, Error, Lead, LeadWrite, Reply};
use plan::probe::{ADDRESSES, LAST_NAME};
use plan::problem::{Code, Problem};

use super::Probe;

/// The phone number of a test lead in LeadSquared's format, and its digits. Numbers from 555-0100 to
/// 555-0199 belong to nobody (North American Numbering Plan).
pub(super) const PHONE: &str = "+1-2025550143";
pub(super) const DIGITS: &str = "12025550143";
/// A second one.
pub(super) const OTHER_PHONE: &str = "+1-2025550144";

/// How many times an unanswered call is tried, and how many rounds look for more leads.
const MOST_TRIES: usize = 3;

/// The outcome of removing test leads.
#[derive(Debug, Default)]
pub struct Cleaned {
    /// How many were deleted.
    pub deleted: usize,
    /// The ids of those that the account refuses to delete.
    pub left: Vec<String>,
}

/// The outcome for one.
enum Removed {
    Deleted,
    WasGone,
    Stays,
}

impl Probe<'_> {
    /// Removes existing test leads: of this probe, and of earlier ones that were stopped. It
    /// deletes only leads that this probe created, and ones with the name of a test lead.
    ///
    /// # Errors
    /// The account can't be reached or refuses, or someone else's lead has one of their addresses or
    /// phone numbers.
    pub async fn clean(&self) -> Result<Cleaned, Problem> {
        let mut cleaned = Cleaned::default();
        let mut done = Vec::new();
        // Its own first, whatever the searches find.
        let mut ids = self.made();
        for _ in 0..MOST_TRIES {
            for id in ids {
                match self.remove(&id).await.map_err(|error| self.problem(&error))? {
                    Removed::Deleted => cleaned.deleted += 1,
                    Removed::WasGone => {}
                    Removed::Stays => cleaned.left.push(id.clone()),
                }
                done.push(id);
            }
            // A search may find only one of several.
            ids = self.others(&done).await?;
            if ids.is_empty() {
                break;
            }
        }
        Ok(cleaned)
    }

    /// The ids of test leads that can be found, other than these.
    async fn others(&self, done: &[String]) -> Result<Vec<String>, Problem> {
        let mut ids = Vec::new();
        for lead in self.found().await? {
            let Some(id) = lead.id().map(str::to_owned) else { continue };
            if done.contains(&id) || ids.contains(&id) {
                continue;
            }
            if !is_ours(&lead) {
                return Err(self.strange(&lead));
            }
            ids.push(id);
        }
        Ok(ids)
    }

    /// The leads with an address or a phone number of a test lead, in any format.
    async fn found(&self) -> Result<Vec<Lead>, Problem> {
        let told = |error: Error| self.problem(&error);
        let mut all = Vec::new();
        for address in ADDRESSES {
            all.extend(self.search(|| self.client.leads_by_email(address)).await.map_err(told)?);
        }
        for number in [PHONE, DIGITS, OTHER_PHONE] {
            all.extend(self.search(|| self.client.leads_by_phone(number)).await.map_err(told)?);
        }
        Ok(all)
    }

    /// A search, repeated once if it is not answered.
    async fn search<F: Future<Output = Reply<Vec<Lead>>>>(
        &self,
        search: impl Fn() -> F,
    ) -> Result<Vec<Lead>, Error> {
        let mut tries = 1;
        loop {
            match self.ask(&search).await.result {
                Err(Error::Transient { .. } | Error::Unreadable { .. }) if tries < MOST_TRIES => {
                    tries += 1;
                }
                result => return result,
            }
        }
    }

    /// Deletes a test lead. One that can't be deleted gets the marks of a test lead, so that a
    /// person recognises it and the next probe reuses it.
    async fn remove(&self, id: &str) -> Result<Removed, Error> {
        if self.read(id).await?.is_none() {
            return Ok(Removed::WasGone);
        }
        // How an account refuses it is unknown: whether the lead still exists says more.
        for _ in 0..MOST_TRIES {
            let deleted = self.ask(|| self.client.delete_lead(id)).await.result;
            if self.read(id).await?.is_none() {
                return Ok(Removed::Deleted);
            }
            match deleted {
                Err(error @ Error::RateLimited { .. }) => return Err(error),
                Err(Error::Transient { .. } | Error::Unreadable { .. }) => {}
                Ok(_) | Err(_) => break,
            }
        }
        let marks = [("LastName", LAST_NAME), ("EmailAddress", ADDRESSES[0]), ("Phone", PHONE)];
        let mark = LeadWrite::new(marks);
        // It remains either way, which is what is reported.
        let _ = self.ask(|| self.client.update_lead(id, &mark, Automations::Quiet)).await;
        Ok(Removed::Stays)
    }

    pub(super) async fn read(&self, id: &str) -> Result<Option<Lead>, Error> {
        self.ask(|| self.client.lead_by_id(id)).await.result
    }

    fn strange(&self, lead: &Lead) -> Problem {
        let account = self.account;
        let id = lead.id().unwrap_or_default();
        Problem::new(
            Code::Duplicate,
            format!(
                "The lead {id} of the account {account} has an email address or a phone number of \
                 leadsync's test lead ({}, {}, {PHONE}, {OTHER_PHONE}) but not its name, so \
                 leadsync does not touch this lead.",
                ADDRESSES[0], ADDRESSES[1]
            ),
            "If the lead is an old test lead, delete it; otherwise fix its email address or phone \
             number. Then run the probe again.",
        )
    }
}

/// Whether a lead has the name of a test lead. Automations may change its case.
fn is_ours(lead: &Lead) -> bool {
    lead.get("LastName").is_some_and(|name| name.trim().eq_ignore_ascii_case(LAST_NAME))
}
