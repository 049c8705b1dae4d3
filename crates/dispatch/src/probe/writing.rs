//! Questions that need a test lead.

use std::time::Duration;

use jiff::Timestamp;
use leadsquared::{Error, Lead, LeadWrite, OptionSets, Reply, UpdateBehaviour, Written};
use plan::metadata::FieldList;
use plan::probe::{ADDRESSES, By, Finding, LAST_NAME, QUESTIONS, Question};
use plan::problem::Problem;

use super::subject::{Answer, CREATED, FIRST_NAME, Subject, lead};
use super::test_lead::Cleaned;
use super::{Findings, Probe, reason};
use crate::access::field_list;

/// Reads give times in whole seconds (documented, `AD/get-a-lead-by-email-id`: `.000`).
pub(super) const TICK: Duration = Duration::from_millis(1_100);
/// The question answered by removing the test lead.
const DELETING: &str = "delete_enabled";
/// How many times the test lead is looked up.
const MOST_LOOKS: usize = 10;

impl Probe<'_> {
    /// Creates the test lead, asks the questions that need one, and removes it again, whatever
    /// happens in between. If this future is dropped, [`Probe::clean`] removes it.
    ///
    /// # Errors
    /// The account can't be reached or refuses, or someone else's lead has the test lead's address or
    /// phone number: nothing is written then. If the test lead may still exist, the problem says so.
    pub async fn write(&self) -> Result<Findings, Problem> {
        let told = |error: Error| self.problem(&error);
        let fields = self.ask(|| self.client.lead_fields(None, OptionSets::Included)).await;
        let fields = field_list(fields.result.map_err(told)?);
        // One that can't be deleted is reused.
        self.clean().await?;
        let since = self.listening.as_ref().map(|listening| (listening.clock)());
        let made = self.capture(&lead(&[(FIRST_NAME, CREATED)]).found_by("EmailAddress")).await;
        let asked = match &made.result {
            Ok(written) => {
                if let Some(id) = written.lead_id() {
                    self.remember(id);
                }
                self.ask_with_lead(&fields, captured(&made), since).await
            }
            Err(error @ Error::Refused { .. }) => Ok(untold(
                &format!("no test lead could be created: {}", reason(error)),
                since.is_some(),
            )),
            Err(error) => Err(self.problem(error)),
        };
        // A lead that was just created may take a moment to be found.
        let mut cleaned = self.clean().await.map_err(|problem| may_stay(&problem))?;
        if asked.is_err() && cleaned.deleted == 0 {
            tokio::time::sleep(TICK).await;
            cleaned = self.clean().await.map_err(|problem| may_stay(&problem))?;
        }
        let mut findings = asked.map_err(|problem| match cleaned.left.first() {
            Some(id) => stays(&problem, id),
            None if cleaned.deleted > 0 => problem,
            None => may_stay(&problem),
        })?;
        let deleted = match cleaned {
            Cleaned { ref left, .. } if !left.is_empty() => Ok("off"),
            Cleaned { deleted: 0, .. } => Err("there was no test lead to delete".to_owned()),
            Cleaned { .. } => Ok("on"),
        };
        findings.push(finding(DELETING, deleted));
        Ok(Findings { findings, left: cleaned.left })
    }

    async fn ask_with_lead(
        &self,
        fields: &FieldList,
        captured: Answer,
        since: Option<Timestamp>,
    ) -> Result<Vec<Finding>, Problem> {
        let Some(id) = self.find().await.map_err(|error| self.problem(&error))? else {
            return Ok(untold("the test lead was created but can't be found", since.is_some()));
        };
        self.remember(&id);
        let subject = Subject::new(self, fields, id);
        let mut findings = vec![finding("capture_answer", captured)];
        macro_rules! ask {
            ($($name:literal: $question:ident;)+) => {$(
                let answer = if subject.is_lost() {
                    Err("the test lead could not be restored".to_owned())
                } else {
                    subject.$question().await
                };
                findings.push(finding($name, answer));
            )+};
        }
        ask! {
            "capture_activity": capture_activity;
            "search_by_prospect_id": search_by_prospect_id;
            "search_by_falls_back": search_by_falls_back;
            "search_by_phone": search_by_phone;
            "create_or_update_by_phone": by_phone;
            "phone_match": phone_match;
            "empty_value": empty_value;
            "too_long": too_long;
            "unknown_option": unknown_option;
            "bad_contact": bad_contact;
            "system_write": system_write;
            "unknown_owner": unknown_owner;
            "touch_without_change": touch_without_change;
            "date_reads": date_reads;
            "several_options": several_options;
            "time_reads": time_reads;
            "bulk_rows": bulk_rows;
            "activity_offset": activity_offset;
            "activity_update": activity_update;
        }
        if let (Some(listening), Some(since)) = (&self.listening, since) {
            findings.extend(subject.listen(listening, since).await);
        }
        Ok(findings)
    }

    /// The test lead's id. The response may have contained none, and a lead may take a moment to be
    /// found.
    async fn find(&self) -> Result<Option<String>, Error> {
        for _ in 0..MOST_LOOKS {
            let found = self.ask(|| self.client.leads_by_email(ADDRESSES[0])).await.result?;
            if let Some(id) = found.iter().find_map(Lead::id) {
                return Ok(Some(id.to_owned()));
            }
            if let Some(id) = self.made().first()
                && self.read(id).await?.is_some()
            {
                return Ok(Some(id.clone()));
            }
            tokio::time::sleep(TICK).await;
        }
        Ok(None)
    }

    pub(super) async fn capture(&self, lead: &LeadWrite<'_>) -> Reply<Written> {
        self.ask(|| self.client.capture_lead(lead, UpdateBehaviour::UpdateAll)).await
    }
}

/// No question that takes a test lead could be asked.
fn untold(why: &str, listens: bool) -> Vec<Finding> {
    let is_asked = |by: By| by == By::Writing || by == By::Listening && listens;
    let missing = QUESTIONS.iter().filter(|q| is_asked(q.by) && q.name != DELETING);
    missing.map(|question| Finding::untold(question, why)).collect()
}

/// The problem, where a test lead may be there still.
pub(super) fn may_stay(problem: &Problem) -> Problem {
    let message = format!(
        "{} A test lead may still be in the account: \"{LAST_NAME}\", {}.",
        problem.message, ADDRESSES[0]
    );
    let advice = "Once the account responds, run the probe again: it removes the test lead.";
    Problem { message, advice: advice.to_owned(), ..problem.clone() }
}

/// The problem if the account refuses to delete a test lead.
fn stays(problem: &Problem, id: &str) -> Problem {
    let message = format!(
        "{} The account does not allow leads to be deleted through the API, so the test lead {id} \
         remains.",
        problem.message
    );
    let advice = "Delete it by hand, or run the probe again later: it reuses this lead.";
    Problem { message, advice: advice.to_owned(), ..problem.clone() }
}

/// Which ids the response to a capture contains.
fn captured(reply: &Reply<Written>) -> Answer {
    let written = reply.result.as_ref().map_err(reason)?;
    match (&written.id, &written.related_id) {
        (Some(_), Some(_)) => Ok("full"),
        (Some(_), None) => Ok("id_only"),
        (None, Some(_)) => Ok("related_id_only"),
        (None, None) => Err("the response has no ID".to_owned()),
    }
}

pub(super) fn finding(name: &str, answer: Answer) -> Finding {
    let question = Question::named(name).expect("it is listed");
    match answer {
        Ok(answer) => Finding::of(question, answer),
        Err(why) => Finding::untold(question, why),
    }
}
