//! Questions that need a test lead.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use leadsquared::{
    ActivityWrite, Automations, Error, Lead, LeadWrite, OptionSets, Reply, UpdateBehaviour, Written,
};
use plan::metadata::{Field, FieldList, Kind};
use plan::moment;
use plan::probe::{ADDRESSES, By, Finding, LAST_NAME, QUESTIONS, Question};
use plan::problem::Problem;
use serde_json::Value;

use super::test_lead::{Cleaned, DIGITS, OTHER_PHONE, PHONE};
use super::{Findings, Probe, reason};
use crate::access::field_list;

/// Reads give times in whole seconds (documented, `AD/get-a-lead-by-email-id`: `.000`).
const TICK: Duration = Duration::from_millis(1_100);
/// The event code of the Lead Capture activity (client code).
const LEAD_CAPTURE: u32 = 23;
/// The codes of custom activity types (client code); opportunities have the codes above them.
const CUSTOM_TYPES: std::ops::Range<i64> = 200..12_000;
/// The most activities that are counted.
const MOST_ROWS: u32 = 1_000;
/// How many types are tried to find one that accepts an activity without fields.
const MOST_TYPES: usize = 5;
/// A user id that no account has.
const NOBODY: &str = "00000000-dead-4000-8000-000000000001";
/// A value for where any text will do.
pub(super) const SAMPLE: &str = "leadsync test";
/// The test lead's first name at creation.
pub(super) const CREATED: &str = "First";
pub(super) const FIRST_NAME: &str = "FirstName";

/// The question answered by removing the test lead.
const DELETING: &str = "delete_enabled";
/// How many times the test lead is looked up.
const MOST_LOOKS: usize = 10;

/// The name of an answer, or why the question could not be answered.
pub(super) type Answer = Result<&'static str, String>;

/// The account's test lead, and the fields to try.
pub(super) struct Subject<'a> {
    pub(super) probe: &'a Probe<'a>,
    fields: &'a FieldList,
    pub(super) id: String,
    /// Whether its keys could not be restored: a write by them might then match another lead.
    is_lost: AtomicBool,
}

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
        let subject = Subject { probe: self, fields, id, is_lost: AtomicBool::new(false) };
        let mut findings = vec![finding("capture_answer", captured)];
        macro_rules! ask {
            ($($name:literal: $question:ident;)+) => {$(
                let answer = if subject.is_lost.load(Ordering::Relaxed) {
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

impl Subject<'_> {
    async fn update(&self, values: &[(&str, &str)]) -> Result<(), Error> {
        let write = LeadWrite::new(values.iter().copied());
        let client = &self.probe.client;
        let call = || client.update_lead(&self.id, &write, Automations::Quiet);
        self.probe.ask(call).await.result.map(drop)
    }

    async fn read(&self) -> Result<Lead, String> {
        let lead = self.probe.read(&self.id).await.map_err(|error| reason(&error))?;
        lead.ok_or_else(|| "the test lead no longer exists".to_owned())
    }

    async fn value(&self, field: &str) -> Result<String, String> {
        Ok(self.read().await?.get(field).unwrap_or_default().to_owned())
    }

    /// What a write by a key did to a field of the lead, whose keys are then restored.
    async fn after_a_write_by_key(&self, field: &str) -> Result<String, String> {
        let value = self.value(field).await;
        let marks = [("EmailAddress", ADDRESSES[0]), ("Phone", PHONE), ("LastName", LAST_NAME)];
        let is_back = self.update(&marks).await;
        self.is_lost.store(is_back.is_err(), Ordering::Relaxed);
        is_back.map_err(|error| reason(&error))?;
        value
    }

    /// Why a write by a key can't be judged; it may have taken effect.
    fn lost(&self, error: &Error) -> String {
        self.is_lost.store(true, Ordering::Relaxed);
        reason(error)
    }

    /// A write by a key with this response may have created another lead.
    pub(super) fn remember(&self, written: &Written) {
        if let Some(id) = written.lead_id() {
            self.probe.remember(id);
        }
    }

    /// A custom field of this kind that can be tried.
    pub(super) fn custom(&self, fits: impl Fn(&Field) -> bool) -> Result<&str, String> {
        let is_free = |field: &&Field| {
            field.schema_name.starts_with("mx_") && !field.unique && !field.read_only
        };
        let found = self.fields.iter().filter(is_free).find(|field| fits(field));
        found
            .map(|field| field.schema_name.as_str())
            .ok_or_else(|| "the account has no custom field to test with".to_owned())
    }

    /// A call was refused, which is the answer if the lead still exists: another program may have
    /// deleted it.
    async fn refused(&self, answer: &'static str) -> Answer {
        self.read().await.map(|_| answer)
    }

    /// What happens to a value: refused, stored, or neither.
    async fn fate(&self, field: &str, value: &str) -> Answer {
        match self.update(&[(field, value)]).await {
            Err(Error::Refused { .. }) => self.refused("refused").await,
            Err(error) => Err(reason(&error)),
            Ok(()) => Ok(if self.value(field).await? == value { "stored" } else { "ignored" }),
        }
    }

    async fn capture_activity(&self) -> Answer {
        let again = lead(&[("SourceCampaign", SAMPLE)]).found_by("EmailAddress");
        let before = self.activities(LEAD_CAPTURE, 0, MOST_ROWS).await?.len();
        self.probe.capture(&again).await.result.map_err(|error| reason(&error))?;
        let after = self.activities(LEAD_CAPTURE, 0, MOST_ROWS).await?.len();
        Ok(if after == before { "off" } else { "on" })
    }

    /// The ids of one page of the lead's activities of this type.
    async fn activities(&self, event: u32, page: u32, rows: u32) -> Result<Vec<String>, String> {
        let call = || self.probe.client.activities_of_lead(&self.id, Some(event), page, rows);
        let read = self.probe.ask(call).await.result.map_err(|error| reason(&error))?;
        Ok(read.rows.into_iter().filter_map(|activity| activity.id).collect())
    }

    async fn search_by_prospect_id(&self) -> Answer {
        // With the address, the worst case is that it matches this lead.
        let values = [("ProspectID", self.id.as_str()), ("EmailAddress", ADDRESSES[0])];
        let write = LeadWrite::new(values).found_by("ProspectID");
        match self.probe.capture(&write).await.result {
            Ok(_) => Ok("on"),
            Err(Error::Refused { .. }) => self.refused("off").await,
            Err(error) => Err(reason(&error)),
        }
    }

    async fn search_by_falls_back(&self) -> Answer {
        let values =
            [("EmailAddress", ADDRESSES[0]), ("Phone", OTHER_PHONE), ("LastName", LAST_NAME)];
        let answer = self.probe.capture(&LeadWrite::new(values).found_by("Phone")).await.result;
        match answer {
            Err(Error::Refused { .. }) => self.refused("off").await,
            Err(error) => Err(self.lost(&error)),
            Ok(written) => {
                self.remember(&written);
                let fell_back = self.after_a_write_by_key("Phone").await? == OTHER_PHONE;
                Ok(if fell_back { "on" } else { "off" })
            }
        }
    }

    /// By its phone number alone, which it shares with nobody.
    async fn search_by_phone(&self) -> Answer {
        let values = [("Phone", PHONE), ("LastName", LAST_NAME)];
        match self.probe.capture(&LeadWrite::new(values).found_by("Phone")).await.result {
            Err(Error::Refused { .. }) => self.refused("off").await,
            Err(error) => Err(self.lost(&error)),
            Ok(written) => {
                self.remember(&written);
                Ok(if written.lead_id() == Some(&self.id) { "on" } else { "off" })
            }
        }
    }

    async fn by_phone(&self) -> Answer {
        let values = [("EmailAddress", ADDRESSES[1]), ("Phone", PHONE), ("LastName", LAST_NAME)];
        let write = LeadWrite::new(values);
        let client = &self.probe.client;
        let call = || client.create_or_update_lead(&write, Automations::Quiet);
        match self.probe.ask(call).await.result {
            Err(Error::Refused { .. }) => self.refused("off").await,
            Err(error) => Err(self.lost(&error)),
            Ok(written) => {
                self.remember(&written);
                let found = self.after_a_write_by_key("EmailAddress").await? == ADDRESSES[1];
                Ok(if found { "on" } else { "off" })
            }
        }
    }

    async fn phone_match(&self) -> Answer {
        let values = [("EmailAddress", ADDRESSES[0]), ("Phone", DIGITS), ("LastName", LAST_NAME)];
        let write = LeadWrite::new(values).found_by("Phone");
        let client = &self.probe.client;
        let call = || client.create_or_update_lead(&write, Automations::Quiet);
        match self.probe.ask(call).await.result {
            Err(Error::Refused { .. }) => self.refused("exact").await,
            Err(error) => Err(self.lost(&error)),
            Ok(written) => {
                self.remember(&written);
                let found = self.after_a_write_by_key("Phone").await? != PHONE;
                Ok(if found { "digits" } else { "exact" })
            }
        }
    }

    async fn empty_value(&self) -> Answer {
        let field = self.custom(|field| field.kind == Kind::Text && field.options.is_empty())?;
        self.update(&[(field, SAMPLE)]).await.map_err(|error| reason(&error))?;
        self.update(&[(field, "")]).await.map_err(|error| reason(&error))?;
        Ok(if self.value(field).await?.is_empty() { "clears" } else { "ignored" })
    }

    async fn too_long(&self) -> Answer {
        const LONGEST: u32 = 4_000;
        let fits = |field: &Field| {
            field.kind == Kind::Text && field.max_length.is_some_and(|most| most <= LONGEST)
        };
        let field = self.custom(fits)?;
        let most = self.fields.iter().find(|other| other.schema_name == field);
        let most = most.and_then(|field| field.max_length).unwrap_or_default() as usize;
        let text = "x".repeat(most + 1);
        match self.update(&[(field, &text)]).await {
            Err(Error::Refused { .. }) => return self.refused("refused").await,
            Err(error) => return Err(reason(&error)),
            Ok(()) => {}
        }
        match self.value(field).await?.len() {
            length if length == most + 1 => Ok("stored"),
            0 => Err("the account accepted the text but left the field empty".to_owned()),
            _ => Ok("cut"),
        }
    }

    async fn unknown_option(&self) -> Answer {
        let field = self.custom(|field| field.kind == Kind::Select && !field.options.is_empty())?;
        self.fate(field, SAMPLE).await
    }

    async fn bad_contact(&self) -> Answer {
        let field = self.custom(|field| field.kind == Kind::Phone)?;
        self.fate(field, SAMPLE).await
    }

    async fn system_write(&self) -> Answer {
        const FIELD: &str = "CreatedOn";
        const LONG_AGO: &str = "2001-02-03 04:05:06";
        match self.update(&[(FIELD, LONG_AGO)]).await {
            Err(Error::Refused { .. }) => self.refused("refused").await,
            Err(error) => Err(reason(&error)),
            Ok(()) => {
                let is_stored = self.value(FIELD).await?.starts_with("2001-");
                Ok(if is_stored { "stored" } else { "ignored" })
            }
        }
    }

    async fn unknown_owner(&self) -> Answer {
        let before = self.value("OwnerId").await?;
        let answer = self.fate("OwnerId", NOBODY).await?;
        if answer == "stored" {
            self.update(&[("OwnerId", &before)]).await.map_err(|error| reason(&error))?;
        }
        Ok(answer)
    }

    async fn touch_without_change(&self) -> Answer {
        self.update(&[(FIRST_NAME, SAMPLE)]).await.map_err(|error| reason(&error))?;
        let before = self.value("ModifiedOn").await?;
        tokio::time::sleep(TICK).await;
        self.update(&[(FIRST_NAME, SAMPLE)]).await.map_err(|error| reason(&error))?;
        Ok(if self.value("ModifiedOn").await? == before { "off" } else { "on" })
    }

    async fn date_reads(&self) -> Answer {
        const DAY: &str = "2000-02-29";
        let field = self.custom(|field| field.kind == Kind::Date)?;
        self.update(&[(field, DAY)]).await.map_err(|error| reason(&error))?;
        match self.value(field).await?.strip_prefix(DAY) {
            Some("") => Ok("date_only"),
            Some(time) if time.trim_start_matches([' ', 'T']).starts_with("00:00") => {
                Ok("with_midnight")
            }
            _ => Err("the account returned another date".to_owned()),
        }
    }

    async fn several_options(&self) -> Answer {
        let field =
            self.custom(|field| field.kind == Kind::MultiSelect && field.options.len() > 1)?;
        let known = self.fields.iter().find(|other| other.schema_name == field);
        let options = known.map(|field| field.options.as_slice()).unwrap_or_default();
        let [first, second, ..] = options else {
            return Err("the field has no options".to_owned());
        };
        let written = format!("{first};{second}");
        match self.update(&[(field, &written)]).await {
            Err(Error::Refused { .. }) => return self.refused("refused").await,
            Err(error) => return Err(reason(&error)),
            Ok(()) => {}
        }
        let read = self.value(field).await?;
        let parts: Vec<&str> = read.split([';', ',']).map(str::trim).collect();
        let has = |option: &str| parts.contains(&option);
        match () {
            () if read == written => Ok("kept"),
            () if has(first) && has(second) => Ok("rewritten"),
            () if has(first) || has(second) => Ok("cut"),
            () => Err("the account accepted the options but shows neither".to_owned()),
        }
    }

    async fn time_reads(&self) -> Answer {
        const AT: &str = "2000-02-29 21:34:56";
        let field = self.custom(|field| field.kind == Kind::DateTime)?;
        match self.update(&[(field, AT)]).await {
            Err(Error::Refused { .. }) => return self.refused("refused").await,
            Err(error) => return Err(reason(&error)),
            Ok(()) => {}
        }
        let read = moment::instant(&self.value(field).await?, &TimeZone::UTC);
        match read {
            None => {
                Err("the account accepted the time but returned none that can be read".to_owned())
            }
            read if read == moment::instant(AT, &TimeZone::UTC) => Ok("kept"),
            Some(_) => Ok("shifted"),
        }
    }

    /// Two rows, the first of which is refused because of a field that no account has.
    async fn bulk_rows(&self) -> Answer {
        let bad = lead(&[("leadsync_no_such_field", SAMPLE)]).found_by("EmailAddress");
        let good = lead(&[]).found_by("EmailAddress");
        let rows = [bad, good];
        let reply = self.probe.ask(|| self.probe.client.create_or_update_leads(&rows)).await;
        reply.result.map_err(|error| reason(&error))?;
        let answer: Value = serde_json::from_str(&reply.exchange.response)
            .map_err(|_| "the account's response can't be read".to_owned())?;
        let is_refused = |row: &Value| {
            let said = |name: &str| row[name].as_str().is_some_and(|text| !text.is_empty());
            said("ErrorMessage") || said("ExceptionMessage") || said("ExceptionType")
        };
        let rows = answer.as_array().map(Vec::as_slice).unwrap_or_default();
        let refused = rows.iter().position(is_refused);
        let number = |row: &Value| match &row["RowNumber"] {
            Value::String(text) => text.trim().parse().ok(),
            other => other.as_u64(),
        };
        match refused.map(|at| (at, number(&rows[at]))) {
            Some((_, None)) => Ok("unnumbered"),
            Some((_, Some(0))) => Ok("from_zero"),
            Some((0, Some(1))) => Ok("numbered"),
            Some((_, Some(1))) => Ok("reordered"),
            _ => Err("no row of the response reports a refusal".to_owned()),
        }
    }

    /// The first codes of custom types of activities.
    pub(super) async fn activity_types(&self) -> Result<Vec<u32>, String> {
        let types = self.probe.ask(|| self.probe.client.activity_types()).await;
        let types = types.result.map_err(|error| reason(&error))?;
        let mut codes: Vec<i64> = types.iter().filter_map(|kind| kind.event).collect();
        codes.retain(|code| CUSTOM_TYPES.contains(code));
        codes.sort_unstable();
        Ok(codes.into_iter().filter_map(|code| u32::try_from(code).ok()).take(MOST_TYPES).collect())
    }

    /// Adds an activity without fields of the first type that takes one.
    async fn add_activity(&self) -> Result<(ActivityWrite<'static>, Written), String> {
        for event in self.activity_types().await? {
            let write =
                ActivityWrite { event, note: Some(SAMPLE.into()), ..ActivityWrite::default() };
            let call = || self.probe.client.create_activity(&self.id, &write);
            match self.probe.ask(call).await.result {
                // It asks for a field.
                Err(Error::Refused { .. }) => {}
                Err(error) => return Err(reason(&error)),
                Ok(written) => return Ok((write, written)),
            }
        }
        Err("no activity type accepts an activity without fields".to_owned())
    }

    /// Of three activities or more, the second page of two shares one with the first page if rows
    /// are counted.
    async fn activity_offset(&self) -> Answer {
        let client = &self.probe.client;
        let (write, _) = self.add_activity().await?;
        for _ in 0..2 {
            let call = || client.create_activity(&self.id, &write);
            self.probe.ask(call).await.result.map_err(|error| reason(&error))?;
        }
        let first = self.activities(write.event, 0, 2).await?;
        let second = self.activities(write.event, 1, 2).await?;
        if first.len() < 2 || second.is_empty() {
            return Err("the account does not list the activities that were added".to_owned());
        }
        Ok(if second.iter().any(|id| first.contains(id)) { "rows" } else { "pages" })
    }

    async fn activity_update(&self) -> Answer {
        let (mut write, added) = self.add_activity().await?;
        let id = added.id.ok_or("the account does not return the ID of a new activity")?;
        write.note = Some("leadsync test, changed".into());
        match self.probe.ask(|| self.probe.client.update_activity(&id, &write)).await.result {
            Ok(_) => Ok("on"),
            Err(Error::Refused { .. }) => self.refused("off").await,
            Err(error) => Err(reason(&error)),
        }
    }
}

/// The test lead with these values.
pub(super) fn lead<'v>(values: &[(&'v str, &'v str)]) -> LeadWrite<'v> {
    let marks = [("EmailAddress", ADDRESSES[0]), ("Phone", PHONE), ("LastName", LAST_NAME)];
    LeadWrite::new(marks.into_iter().chain(values.iter().copied()))
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
