//! What takes a test lead to find out.

use std::time::Duration;

use leadsquared::{
    ActivityWrite, Automations, Error, Lead, LeadWrite, OptionSets, Reply, UpdateBehaviour, Written,
};
use plan::metadata::{Field, FieldList, Kind};
use plan::probe::{ADDRESSES, Finding, LAST_NAME, QUESTIONS, Question};
use plan::problem::Problem;
use serde_json::Value;

use super::test_lead::{DIGITS, OTHER_PHONE, PHONE};
use super::{Findings, Probe, reason};
use crate::access::field_list;

/// Reads give times in whole seconds (documented, `AD/get-a-lead-by-email-id`: `.000`).
const TICK: Duration = Duration::from_millis(1_100);
/// The event code of the Lead Capture activity (client code).
const LEAD_CAPTURE: u32 = 23;
/// The codes of custom types of activities (client code); opportunities have those behind them.
const CUSTOM_TYPES: std::ops::Range<i64> = 200..12_000;
/// So many types are tried, until one takes an activity without fields.
const MOST_TYPES: usize = 5;
/// A user's id that no account has.
const NOBODY: &str = "00000000-dead-4000-8000-000000000001";
/// What is written where any text will do.
const SAMPLE: &str = "leadsync test";

/// The name of an answer, or why there is none.
type Answer = Result<&'static str, String>;

/// The account's test lead, and the fields to try.
struct Subject<'a> {
    probe: &'a Probe<'a>,
    fields: &'a FieldList,
    id: String,
}

impl Probe<'_> {
    /// Makes the test lead, asks what it takes one for, and removes it again, whatever happens
    /// between. Where this is dropped in between, [`Probe::clean`] removes it.
    ///
    /// # Errors
    /// The account can't be reached or refuses, or a lead that is none of ours has the test lead's
    /// address or phone number: nothing is written then.
    pub async fn write(&self) -> Result<Findings, Problem> {
        let told = |error: Error| self.problem(&error);
        let fields = self.ask(|| self.client.lead_fields(None, OptionSets::Included)).await;
        let fields = field_list(fields.result.map_err(told)?);
        // One that can't be deleted is used once more.
        self.clean().await?;
        let made = self.capture(&lead(&[("FirstName", "First")]).found_by("EmailAddress")).await;
        let captured = captured(&made);
        made.result.map_err(told)?;
        let mut findings = Vec::new();
        let asked = self.ask_with_lead(&fields, captured, &mut findings).await;
        let left = self.clean().await?;
        asked.map_err(told)?;
        let deleted = if left.is_empty() { "on" } else { "off" };
        findings.push(finding("delete_enabled", Ok(deleted)));
        Ok(Findings { findings, left })
    }

    async fn ask_with_lead(
        &self,
        fields: &FieldList,
        captured: Answer,
        findings: &mut Vec<Finding>,
    ) -> Result<(), Error> {
        // The answer may hold no id, and a lead may take a moment to be found.
        let Some(id) = self.find().await? else {
            let why = "the lead that was made is not found";
            let missing = QUESTIONS.iter().filter(|question| question.writes);
            findings.extend(missing.map(|question| Finding::untold(question, why)));
            return Ok(());
        };
        let subject = Subject { probe: self, fields, id };
        findings.push(finding("capture_answer", captured));
        findings.push(finding("capture_activity", subject.capture_activity().await));
        findings.push(finding("search_by_prospect_id", subject.search_by_prospect_id().await));
        findings.push(finding("search_by_falls_back", subject.search_by_falls_back().await));
        findings.push(finding("create_or_update_by_phone", subject.by_phone().await));
        findings.push(finding("phone_match", subject.phone_match().await));
        findings.push(finding("empty_value", subject.empty_value().await));
        findings.push(finding("too_long", subject.too_long().await));
        findings.push(finding("unknown_option", subject.unknown_option().await));
        findings.push(finding("bad_contact", subject.bad_contact().await));
        findings.push(finding("system_write", subject.system_write().await));
        findings.push(finding("unknown_owner", subject.unknown_owner().await));
        findings.push(finding("touch_without_change", subject.touch_without_change().await));
        findings.push(finding("date_reads", subject.date_reads().await));
        findings.push(finding("bulk_rows", subject.bulk_rows().await));
        findings.push(finding("activity_offset", subject.activity_offset().await));
        Ok(())
    }

    async fn find(&self) -> Result<Option<String>, Error> {
        let found = self.ask(|| self.client.leads_by_email(ADDRESSES[0])).await.result?;
        Ok(found.iter().find_map(|lead| lead.id().map(str::to_owned)))
    }

    async fn capture(&self, lead: &LeadWrite<'_>) -> Reply<Written> {
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
        let reply = self.probe.ask(|| self.probe.client.lead_by_id(&self.id)).await;
        let lead = reply.result.map_err(|error| reason(&error))?;
        lead.ok_or_else(|| "the test lead is gone".to_owned())
    }

    async fn value(&self, field: &str) -> Result<String, String> {
        Ok(self.read().await?.get(field).unwrap_or_default().to_owned())
    }

    /// Gives the lead back what marks it.
    async fn restore(&self) -> Result<(), String> {
        let marks = [("EmailAddress", ADDRESSES[0]), ("Phone", PHONE), ("LastName", LAST_NAME)];
        self.update(&marks).await.map_err(|error| reason(&error))
    }

    /// A field of the account's own of this kind that can be tried.
    fn custom(&self, fits: impl Fn(&Field) -> bool) -> Result<&str, String> {
        let is_free = |field: &&Field| {
            field.schema_name.starts_with("mx_") && !field.unique && !field.read_only
        };
        let found = self.fields.iter().filter(is_free).find(|field| fits(field));
        found
            .map(|field| field.schema_name.as_str())
            .ok_or_else(|| "the account has no custom field that could be tried".to_owned())
    }

    /// What becomes of a value: refused, stored, or neither.
    async fn fate(&self, field: &str, value: &str) -> Answer {
        match self.update(&[(field, value)]).await {
            Err(Error::Refused { .. }) => Ok("refused"),
            Err(error) => Err(reason(&error)),
            Ok(()) => Ok(if self.value(field).await? == value { "stored" } else { "ignored" }),
        }
    }

    async fn capture_activity(&self) -> Answer {
        let again = lead(&[("SourceCampaign", SAMPLE)]).found_by("EmailAddress");
        self.probe.capture(&again).await.result.map_err(|error| reason(&error))?;
        let client = &self.probe.client;
        let call = || client.activities_of_lead(&self.id, Some(LEAD_CAPTURE), 0, 10);
        let activities = self.probe.ask(call).await.result.map_err(|error| reason(&error))?;
        Ok(if activities.rows.is_empty() { "off" } else { "on" })
    }

    async fn search_by_prospect_id(&self) -> Answer {
        // With the address it finds this lead at the worst.
        let values = [("ProspectID", self.id.as_str()), ("EmailAddress", ADDRESSES[0])];
        let write = LeadWrite::new(values).found_by("ProspectID");
        match self.probe.capture(&write).await.result {
            Ok(_) => Ok("on"),
            Err(Error::Refused { .. }) => Ok("off"),
            Err(error) => Err(reason(&error)),
        }
    }

    async fn search_by_falls_back(&self) -> Answer {
        let values =
            [("EmailAddress", ADDRESSES[0]), ("Phone", OTHER_PHONE), ("LastName", LAST_NAME)];
        let answer = self.probe.capture(&LeadWrite::new(values).found_by("Phone")).await.result;
        match answer {
            Err(Error::Refused { .. }) => Ok("off"),
            Err(error) => Err(reason(&error)),
            Ok(_) => {
                let fell_back = self.value("Phone").await? == OTHER_PHONE;
                self.restore().await?;
                Ok(if fell_back { "on" } else { "off" })
            }
        }
    }

    async fn by_phone(&self) -> Answer {
        let values = [("EmailAddress", ADDRESSES[1]), ("Phone", PHONE), ("LastName", LAST_NAME)];
        let write = LeadWrite::new(values);
        let client = &self.probe.client;
        let call = || client.create_or_update_lead(&write, Automations::Quiet);
        match self.probe.ask(call).await.result {
            Err(Error::Refused { .. }) => Ok("off"),
            Err(error) => Err(reason(&error)),
            Ok(_) => {
                let found = self.value("EmailAddress").await? == ADDRESSES[1];
                self.restore().await?;
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
            Err(Error::Refused { .. }) => Ok("exact"),
            Err(error) => Err(reason(&error)),
            Ok(_) => {
                let found = self.value("Phone").await? != PHONE;
                self.restore().await?;
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
            Err(Error::Refused { .. }) => return Ok("refused"),
            Err(error) => return Err(reason(&error)),
            Ok(()) => {}
        }
        match self.value(field).await?.len() {
            length if length == most + 1 => Ok("stored"),
            0 => Err("the account took the text and left the field empty".to_owned()),
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
            Err(Error::Refused { .. }) => Ok("refused"),
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
        self.update(&[("FirstName", SAMPLE)]).await.map_err(|error| reason(&error))?;
        let before = self.value("ModifiedOn").await?;
        tokio::time::sleep(TICK).await;
        self.update(&[("FirstName", SAMPLE)]).await.map_err(|error| reason(&error))?;
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
            _ => Err("the date came back as another one".to_owned()),
        }
    }

    /// Two rows, of which the first is refused for a field that no account has.
    async fn bulk_rows(&self) -> Answer {
        let bad = lead(&[("leadsync_no_such_field", SAMPLE)]).found_by("EmailAddress");
        let good = lead(&[]).found_by("EmailAddress");
        let rows = [bad, good];
        let reply = self.probe.ask(|| self.probe.client.create_or_update_leads(&rows)).await;
        reply.result.map_err(|error| reason(&error))?;
        let answer: Value = serde_json::from_str(&reply.exchange.response)
            .map_err(|_| "the account's answer can't be read".to_owned())?;
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
            _ => Err("no row of the answer says that it was refused".to_owned()),
        }
    }

    /// Of three activities, the second page of two has one.
    async fn activity_offset(&self) -> Answer {
        let client = &self.probe.client;
        let types = self.probe.ask(|| client.activity_types()).await;
        let types = types.result.map_err(|error| reason(&error))?;
        let mut codes: Vec<i64> = types.iter().filter_map(|kind| kind.event).collect();
        codes.retain(|code| CUSTOM_TYPES.contains(code));
        codes.sort_unstable();
        let codes = codes.into_iter().filter_map(|code| u32::try_from(code).ok());
        for event in codes.take(MOST_TYPES) {
            let write =
                ActivityWrite { event, note: Some(SAMPLE.into()), ..ActivityWrite::default() };
            let add = async || {
                let call = || client.create_activity(&self.id, &write);
                self.probe.ask(call).await.result.map(drop)
            };
            match add().await {
                // It asks for a field.
                Err(Error::Refused { .. }) => continue,
                first => first.map_err(|error| reason(&error))?,
            }
            for _ in 0..2 {
                add().await.map_err(|error| reason(&error))?;
            }
            let call = || client.activities_of_lead(&self.id, Some(event), 1, 2);
            let second = self.probe.ask(call).await.result.map_err(|error| reason(&error))?;
            return match second.rows.len() {
                1 => Ok("pages"),
                2 => Ok("rows"),
                _ => Err("the account does not list the activities that were added".to_owned()),
            };
        }
        Err("no type of activity takes one without fields".to_owned())
    }
}

/// The test lead with these values.
fn lead<'v>(values: &[(&'v str, &'v str)]) -> LeadWrite<'v> {
    let marks = [("EmailAddress", ADDRESSES[0]), ("Phone", PHONE), ("LastName", LAST_NAME)];
    LeadWrite::new(marks.into_iter().chain(values.iter().copied()))
}

/// Which ids an answer to a capture holds.
fn captured(reply: &Reply<Written>) -> Answer {
    let written = reply.result.as_ref().map_err(reason)?;
    match (&written.id, &written.related_id) {
        (Some(_), Some(_)) => Ok("full"),
        (Some(_), None) => Ok("id_only"),
        (None, Some(_)) => Ok("related_id_only"),
        (None, None) => Err("the answer holds no id".to_owned()),
    }
}

fn finding(name: &str, answer: Answer) -> Finding {
    let question = Question::named(name).expect("it is listed");
    match answer {
        Ok(answer) => Finding::of(question, answer),
        Err(why) => Finding::untold(question, why),
    }
}
