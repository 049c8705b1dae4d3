//! A record on its request's page: the mapped fields, the decision and its reason, and every call.

use plan::activity::ActivityMapping;
use plan::connector::Definition;
use plan::mapping::{MappedField, Mapping, Sent};
use plan::metadata::Catalogue;
use plan::outcome::{Entity, Event, RetryWith};
use plan::payload::Item;
use plan::problem::Problem;
use plan::review::Reason;
use store::{AttemptItem, CallItem, RecordItem};

use super::body::{Bodies, Body};
use super::{event_tone, lead_path};
use plan::work::{Explanation, FieldChange, Origin};

/// The last attempts that are shown.
const ATTEMPTS: usize = 20;

/// A record as it is shown.
pub(super) struct Record {
    pub(super) kept: RecordItem,
    /// Its title.
    pub(super) title: String,
    /// The pages of its leads: the account, the id, and the address.
    pub(super) leads: Vec<(String, String, String)>,
    pub(super) mapped: Option<Vec<Mapped>>,
    pub(super) decision: Option<String>,
    /// Why the decision can only be shown as it is stored, if so.
    pub(super) unreadable: Option<String>,
    pub(super) looked_because: Option<String>,
    pub(super) changes: Vec<Change>,
    /// What was written back to the source.
    pub(super) back: Vec<Change>,
    /// The field, the value of the source, the value of the destination, and the ruling.
    pub(super) disputes: Vec<[String; 4]>,
    pub(super) left_out: Vec<Problem>,
    pub(super) remarks: Vec<(String, String)>,
    pub(super) raw: Option<Body>,
    pub(super) attempts: Vec<Attempt>,
    pub(super) earlier_attempts: usize,
    pub(super) cause: Option<String>,
    /// The review that it waits for, if that is why it failed.
    pub(super) review: Option<String>,
}

/// A field that a record sends.
pub(super) struct Mapped {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) value: String,
    pub(super) note: String,
}

/// A field that was going to be written.
pub(super) struct Change {
    /// Its display name.
    pub(super) label: String,
    pub(super) field: String,
    pub(super) from: String,
    pub(super) before: Option<String>,
    pub(super) value: String,
    pub(super) note: String,
}

impl Change {
    fn of(change: FieldChange<'_>, catalogue: Option<&Catalogue>) -> Self {
        let field = catalogue.and_then(|catalogue| catalogue.fields.get(change.field));
        let label = field.map(|field| field.display_name.as_str());
        let label = label.filter(|name| !name.trim().is_empty()).unwrap_or(change.field);
        let note = if change.on_create { "Only set on new leads." } else { "" };
        Self {
            label: label.to_owned(),
            field: change.field.to_owned(),
            from: change.origin.map(|origin| origin_of(&origin)).unwrap_or_default(),
            before: change.before.map(str::to_owned),
            value: change.value.to_owned(),
            note: [change.remark.unwrap_or_default(), note].join(" ").trim().to_owned(),
        }
    }
}

pub(super) struct Attempt {
    pub(super) kept: AttemptItem,
    /// Who requested it, and with which settings.
    pub(super) asked: Option<String>,
    pub(super) calls: Vec<Call>,
}

pub(super) struct Call {
    pub(super) kept: CallItem,
    pub(super) status: String,
    pub(super) is_good: bool,
    pub(super) own_sent: Option<Body>,
    pub(super) own_answered: Option<Body>,
    pub(super) sent: Option<Body>,
    pub(super) answered: Option<Body>,
}

/// What is needed to show a record.
pub(super) struct Around<'a> {
    /// The names of the accounts that it comes from and goes to.
    pub(super) accounts: (&'a str, &'a str),
    /// What the payload says about it and what the mapping does with that, as far as it is known.
    pub(super) mapped: Option<Vec<MappedField>>,
    /// The metadata of these accounts, if their fields were ever read.
    pub(super) catalogues: Option<(&'a Catalogue, &'a Catalogue)>,
}

impl Record {
    pub(super) fn of(mut record: RecordItem, around: Around<'_>, bodies: &mut Bodies) -> Self {
        let text = record.explanation.take();
        let text = text.as_ref().map_or("", |raw| raw.get());
        let (explanation, unreadable) = match Explanation::read(text) {
            _ if text.is_empty() => (Explanation::default(), None),
            Ok(explanation) => (explanation, None),
            Err(error) => (Explanation::default(), Some(error)),
        };
        let (source, destination) = around.catalogues.unzip();
        let changes = explanation.changes().into_iter();
        let changes = changes.map(|change| Change::of(change, destination)).collect();
        let back = explanation.changes_back().into_iter();
        let back = back.map(|change| Change::of(change, source)).collect();
        let disputes = explanation.disputes.iter().map(|dispute| {
            let texts = [&dispute.field, &dispute.source, &dispute.destination];
            let [field, source, destination] = texts.map(String::clone);
            [field, source, destination, dispute.ruling.sentence().to_owned()]
        });
        let disputes = disputes.collect();
        let remarks = explanation.other_remarks().into_iter();
        let remarks = remarks.map(|r| (r.field.clone(), r.remark.clone())).collect();
        let attempts = std::mem::take(&mut record.attempts);
        let earlier_attempts = attempts.len().saturating_sub(ATTEMPTS);
        let attempts = attempts.into_iter().skip(earlier_attempts);
        let attempts = attempts.map(|attempt| Attempt::of(attempt, bodies)).collect();
        let problem = record.error.as_ref().filter(|_| record.event == Event::Failed);
        let known = [&record.name, &record.known_as, &record.source_id].map(Option::as_deref);
        let who = admin::log::who(known).map(str::to_owned);
        Self {
            title: who.unwrap_or_else(|| "Unnamed record".to_owned()),
            leads: leads(&record, around.accounts),
            mapped: around.mapped.map(|fields| fields.iter().map(Mapped::of).collect()),
            decision: explanation.sentence(),
            unreadable,
            changes,
            back,
            disputes,
            remarks,
            raw: bodies.show(text),
            attempts,
            earlier_attempts,
            cause: problem.map(Problem::cause),
            review: problem
                .and_then(|problem| review(record.entity, record.source_id.as_deref(), problem)),
            left_out: explanation.left_out,
            looked_because: explanation.looked_because,
            kept: record,
        }
    }
}

impl Record {
    /// The kind of its outcome, which has a colour.
    pub(super) fn tone(&self) -> &'static str {
        event_tone(self.kept.event)
    }
}

fn leads(
    record: &RecordItem,
    (source, destination): (&str, &str),
) -> Vec<(String, String, String)> {
    if record.entity != Entity::Lead {
        return Vec::new();
    }
    let ids = [(source, &record.source_id), (destination, &record.destination_id)];
    let known = ids.into_iter().filter_map(|(account, id)| Some((account, id.as_ref()?)));
    known.map(|(account, id)| (account.to_owned(), id.clone(), lead_path(account, id))).collect()
}

/// The review of a record's lead, if that is why it failed.
pub(super) fn review(entity: Entity, source_id: Option<&str>, problem: &Problem) -> Option<String> {
    Reason::from_code(problem.code)?;
    let lead = source_id.filter(|_| entity == Entity::Lead);
    Some(lead.map_or("/reviews".to_owned(), |lead| {
        let lead = form_urlencoded::byte_serialize(lead.as_bytes());
        format!("/reviews?lead={}", lead.collect::<String>())
    }))
}

pub(super) fn origin_of(origin: &Origin) -> String {
    match origin {
        Origin::From(field) => field.clone(),
        Origin::By(by) => by.sentence().to_owned(),
    }
}

impl Mapped {
    fn of(field: &MappedField) -> Self {
        let (value, note) = match (&field.sent, &field.default) {
            (Sent::Value(value), _) => (value.clone(), ""),
            (Sent::Clear, _) => (String::new(), "clears the field"),
            (_, Some(default)) => {
                (default.clone(), "default, used if the destination field is empty")
            }
            (Sent::Blank, None) => (String::new(), "empty, so the field is not changed"),
            (Sent::Absent, None) => (String::new(), "not in the payload"),
        };
        let remark = field.remark.as_deref().unwrap_or_default();
        Self {
            from: field.from.clone().unwrap_or_else(|| "computed".to_owned()),
            to: field.to.clone(),
            value,
            note: [note, remark].join(" ").trim().to_owned(),
        }
    }
}

impl Attempt {
    /// The kind of its outcome, which has a colour.
    pub(super) fn tone(&self) -> &'static str {
        event_tone(self.kept.event)
    }

    fn of(mut attempt: AttemptItem, bodies: &mut Bodies) -> Self {
        let calls = std::mem::take(&mut attempt.calls);
        let asked = attempt.retry.map(|with| {
            let by = attempt.retry_by.as_deref().unwrap_or("a user");
            match with {
                RetryWith::Now => format!("retried by {by} with the current settings"),
                RetryWith::Then => {
                    format!("retried by {by} with the settings of the last attempt")
                }
            }
        });
        let calls = calls.into_iter().map(|call| Call::of(call, bodies)).collect();
        Self { kept: attempt, asked, calls }
    }
}

impl Call {
    fn of(call: CallItem, bodies: &mut Bodies) -> Self {
        Self {
            status: call.status.map_or("no response".to_owned(), |status| status.to_string()),
            is_good: call.error.is_none() && call.status.is_some_and(|status| status < 400),
            own_sent: bodies.show_row(&call.request, call.row),
            own_answered: bodies.show_row(&call.response, call.row),
            sent: bodies.show(&call.request),
            answered: bodies.show(&call.response),
            kept: call,
        }
    }
}

/// What a record sends under these settings, between accounts with this metadata.
pub(super) fn mapped(
    definition: &Definition,
    (source, destination): (&Catalogue, &Catalogue),
    item: &Item,
) -> Option<Vec<MappedField>> {
    match item.entity() {
        Entity::Lead => Some(Mapping::new(definition, source, destination).apply(item).fields),
        Entity::Activity => {
            let activities = ActivityMapping::new(definition, source, destination);
            let kind = activities.of(item).ok()?;
            Some(kind.mapping.apply(item).fields)
        }
    }
}
