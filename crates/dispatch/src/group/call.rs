//! Calls to an account: what is sent for which records, and the result for each.

use jiff::Timestamp;
use leadsquared::{
    ActivityField, ActivityRow, ActivityWrite, Attribute, Automations, BulkUpdated, Client, Error,
    Exchange, Lead, LeadQuery, LeadRow, LeadWrite, Missing, Numbered, Operator, Paging, Reply,
    Rows, Sorting, UpdateBehaviour, Written,
};
use plan::activity::{NOTE, TIME};
use plan::change::Change;
use plan::id::{AccountId, LeadId};
use plan::identity::Key;
use plan::metadata::Kind;
use plan::moment;
use plan::operation::Operation;
use plan::snapshot::Snapshot;
use plan::verdict::Failure;
use plan::work::{
    ActivityPage, ActivityUpdate, Answer, Call, Capture, LeadUpdate, NewActivity, NewLead,
    ReadActivities, ReadLead,
};
use store::RecordKey;

use crate::access::{Part, Read};
use crate::failure;
use crate::pages::{Reader, Wanted, activity, snapshot};

/// One call, ready to go.
#[derive(Debug)]
pub(super) struct Prepared {
    /// Its number.
    pub(super) id: i64,
    pub(super) account: AccountId,
    pub(super) job: Job,
}

/// What a call is for.
#[derive(Debug)]
pub(super) enum Job {
    /// Reads a part of the account's metadata.
    ReadMetadata(Part),
    /// Reads a page of its leads or activities.
    ReadPage(Reader, Wanted),
    /// It is for records.
    Records(RecordCalls),
}

/// A call for one record, or a shared one for many.
#[derive(Clone, Debug)]
pub(super) enum RecordCalls {
    /// A call for one record.
    One(RecordKey, Call),
    /// Reads many leads by their ids.
    ReadLeads(Vec<(RecordKey, ReadLead)>),
    /// Many captures that may update.
    Capture(Vec<(RecordKey, Capture)>),
    /// Many captures of leads that are probably new: this call creates, and never updates.
    Create(Vec<(RecordKey, Capture)>),
    /// Many updates.
    Update(Vec<(RecordKey, LeadUpdate)>),
    /// Adds many activities.
    CreateActivities(Vec<(RecordKey, NewActivity)>),
    /// Updates many activities.
    UpdateActivities(Vec<(RecordKey, ActivityUpdate)>),
}

/// A call that ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) id: i64,
    pub(super) account: AccountId,
    pub(super) operation: Operation,
    pub(super) at: Timestamp,
    pub(super) exchange: Exchange,
    /// The error of the call as a whole,
    pub(super) failure: Option<Failure>,
    /// and its text.
    pub(super) error: Option<String>,
    pub(super) returned: Returned,
}

/// What a call returned.
#[derive(Debug)]
pub(super) enum Returned {
    /// A part of the metadata.
    Metadata(Part, Result<Read, Error>),
    /// A page of its leads or activities.
    Page(Reader, Wanted, Result<Vec<Snapshot>, Error>),
    /// A result for each of its records.
    Records(Vec<ForRecord>),
}

/// What a call returned for one record.
#[derive(Debug)]
pub(super) struct ForRecord {
    pub(super) key: RecordKey,
    pub(super) call: Call,
    /// Its row in a bulk call.
    pub(super) row: Option<u32>,
    /// `None` if the response does not say; the record then gets a call of its own.
    pub(super) answer: Option<Answer>,
}

/// A record's part in a call, before the response is known.
type Sent = (RecordKey, Call);

impl Job {
    /// Which operation it is.
    pub(super) fn operation(&self) -> Operation {
        match self {
            Self::ReadMetadata(part) => part.operation(),
            Self::ReadPage(_, wanted) => wanted.operation(),
            Self::Records(asked) => asked.operation(),
        }
    }
}

impl RecordCalls {
    /// Which operation it is.
    pub(super) fn operation(&self) -> Operation {
        match self {
            Self::One(_, call) => call.operation(),
            Self::ReadLeads(_) => Operation::LeadsByIds,
            Self::Capture(_) => Operation::BulkCapture,
            Self::Create(_) => Operation::BulkCreate,
            Self::Update(_) => Operation::BulkUpdate,
            Self::CreateActivities(_) => Operation::BulkCreateActivities,
            Self::UpdateActivities(_) => Operation::BulkUpdateActivities,
        }
    }

    /// Each of its records, with its part of the call.
    pub(super) fn sent(&self) -> Vec<Sent> {
        self.clone().into_sent()
    }

    fn into_sent(self) -> Vec<Sent> {
        fn each<T>(rows: Vec<(RecordKey, T)>, call: fn(T) -> Call) -> Vec<Sent> {
            rows.into_iter().map(|(key, row)| (key, call(row))).collect()
        }
        match self {
            Self::One(key, call) => vec![(key, call)],
            Self::ReadLeads(rows) => each(rows, Call::ReadLead),
            Self::Capture(rows) | Self::Create(rows) => each(rows, Call::Capture),
            Self::Update(rows) => each(rows, Call::UpdateLead),
            Self::CreateActivities(rows) => each(rows, Call::CreateActivity),
            Self::UpdateActivities(rows) => each(rows, Call::UpdateActivity),
        }
    }

    /// Makes the call, and says what it returned for each of its records.
    async fn make(&self, client: &Client) -> (Exchange, Result<Vec<Option<Answer>>, Error>) {
        match self {
            Self::One(_, call) => {
                let reply = one(client, call).await;
                (reply.exchange, reply.result.map(|answer| vec![Some(answer)]))
            }
            Self::ReadLeads(rows) => {
                let ids: Vec<&str> = rows.iter().map(|(_, read)| read.lead_id.as_str()).collect();
                let page_size = u32::try_from(ids.len()).unwrap_or(u32::MAX);
                let paging = Paging { page_index: 1, page_size };
                let reply = client.leads_by_ids(&ids, &[], paging).await;
                (reply.exchange, reply.result.map(|page| leads_by_id(rows, &page.rows)))
            }
            Self::Capture(rows) => {
                let leads: Vec<_> = rows.iter().map(|(_, capture)| captured(capture)).collect();
                each_row(client.create_or_update_leads(&leads).await, leads.len(), lead_row)
            }
            Self::Create(rows) => {
                let leads: Vec<_> =
                    rows.iter().map(|(_, capture)| plain(capture.all_fields())).collect();
                each_row(client.create_leads(&leads).await, leads.len(), lead_row)
            }
            Self::Update(rows) => {
                let leads: Vec<_> = rows.iter().map(|(_, update)| updated(update)).collect();
                let reply = client.update_leads(&leads, None, Missing::Failed).await;
                (reply.exchange, reply.result.map(|answer| updates(rows, &answer)))
            }
            Self::CreateActivities(rows) => {
                let activities: Vec<_> = rows.iter().map(|(_, new)| new_activity(new)).collect();
                let reply = client.create_activities(&activities).await;
                each_row(reply, activities.len(), activity_row)
            }
            Self::UpdateActivities(rows) => {
                let activities: Vec<_> = rows.iter().map(|(_, it)| changed_activity(it)).collect();
                let reply = client.update_activities(&activities).await;
                let result = reply.result.map(|answer| {
                    answer.each(rows.len()).into_iter().map(updated_activity).collect()
                });
                (reply.exchange, result)
            }
        }
    }
}

impl Prepared {
    /// Makes the call.
    pub(super) async fn run(self, client: Client, at: Timestamp) -> Ended {
        let Self { id, account, job } = self;
        let operation = job.operation();
        let (exchange, failure, error, returned) = match job {
            Job::ReadMetadata(part) => {
                let (exchange, read) = part.read(&client).await;
                let (failure, error) = read.as_ref().err().map(told).unzip();
                (exchange, failure, error, Returned::Metadata(part, read))
            }
            Job::ReadPage(reader, wanted) => {
                let reply = wanted.read(&client).await;
                let (failure, error) = reply.result.as_ref().err().map(told).unzip();
                (reply.exchange, failure, error, Returned::Page(reader, wanted, reply.result))
            }
            Job::Records(asked) => {
                let (exchange, result) = asked.make(&client).await;
                let (failure, error) = result.as_ref().err().map(told).unzip();
                let sent = asked.into_sent();
                let records = match result {
                    Ok(answers) => for_records(sent, operation, answers),
                    Err(error) => all_failed(sent, operation, &failure::of(&error)),
                };
                (exchange, failure, error, Returned::Records(records))
            }
        };
        Ended { id, account, operation, at, exchange, failure, error, returned }
    }
}

/// The error, for the plan and for the log.
fn told(error: &Error) -> (Failure, String) {
    (failure::of(error), error.to_string())
}

/// The result in each row of a bulk call. If it is unclear which record a row belongs to, its
/// records learn only that something was written, and look it up.
fn each_row<R: Numbered>(
    reply: Reply<Rows<R>>,
    count: usize,
    answer: impl Fn(Option<&R>) -> Answer,
) -> (Exchange, Result<Vec<Option<Answer>>, Error>) {
    let all = |rows: Rows<R>| rows.each(count).into_iter().map(|row| Some(answer(row))).collect();
    (reply.exchange, reply.result.map(all))
}

fn for_records(
    sent: Vec<Sent>,
    operation: Operation,
    answers: Vec<Option<Answer>>,
) -> Vec<ForRecord> {
    let rows = (0u32..).zip(sent.into_iter().zip(answers));
    rows.map(|(row, ((key, call), answer))| {
        let row = (operation != call.operation()).then_some(row);
        ForRecord { key, call, row, answer }
    })
    .collect()
}

/// The whole call failed. If it was refused and carried many records, one of them may be to blame,
/// so each gets a call of its own.
fn all_failed(sent: Vec<Sent>, operation: Operation, failure: &Failure) -> Vec<ForRecord> {
    let tells = sent.len() == 1 || !matches!(failure, Failure::Refused { .. });
    let answer = tells.then(|| Answer::Failed(failure.clone()));
    let answers = sent.iter().map(|_| answer.clone()).collect();
    for_records(sent, operation, answers)
}

/// Makes the call that one record asks for.
async fn one(client: &Client, call: &Call) -> Reply<Answer> {
    match call {
        Call::ReadLead(ReadLead { lead_id, .. }) => {
            let reply = client.lead_by_id(lead_id.as_str()).await;
            reply.map(|lead| Answer::Leads(lead.iter().map(snapshot).collect()))
        }
        Call::FindLead(key) => {
            find(client, key).await.map(|leads| Answer::Leads(leads.iter().map(snapshot).collect()))
        }
        Call::Capture(capture) => {
            let behaviour = if capture.update {
                UpdateBehaviour::UpdateAll
            } else {
                UpdateBehaviour::DoNotUpdate
            };
            client.capture_lead(&captured(capture), behaviour).await.map(|it| written(&it, true))
        }
        Call::CreateLead(NewLead { fields }) => {
            let reply = client.create_leads(&[plain(fields)]).await;
            reply.map(|rows| lead_row(rows.each(1)[0]))
        }
        Call::UpdateLead(update) => {
            let automations = if update.fires { Automations::Fire } else { Automations::Quiet };
            let write = plain(&update.fields);
            let reply = client.update_lead(update.lead_id.as_str(), &write, automations).await;
            reply.map(|it| written(&it, true))
        }
        Call::ReadActivities(ReadActivities { lead_id, event, page, .. }) => {
            let (id, rows) = (lead_id.as_str(), ReadActivities::ROWS);
            let reply = client.activities_of_lead(id, Some(*event), *page, rows).await;
            reply.map(|page| {
                let rows = page.rows.iter().filter_map(activity).collect();
                Answer::Activities(ActivityPage { rows, total: page.record_count })
            })
        }
        Call::CreateActivity(new) => {
            let (lead_id, write) = new_activity(new);
            client.create_activity(lead_id, &write).await.map(|it| written(&it, false))
        }
        Call::UpdateActivity(ActivityUpdate { activity_id, event, fields }) => {
            let write = activity_write(*event, fields);
            let reply = client.update_activity(activity_id.as_str(), &write).await;
            reply.map(|it| written(&it, false))
        }
    }
}

async fn find(client: &Client, key: &Key) -> Reply<Vec<Lead>> {
    match Operation::finding(key) {
        Operation::LeadsByEmail => client.leads_by_email(&key.value).await,
        // The documentation asks for a number without spaces and hyphens.
        Operation::LeadsByPhone => client.leads_by_phone(&key.value.replace(['-', ' '], "")).await,
        _ => {
            let query = LeadQuery {
                field: &key.field,
                operator: Operator::Equal,
                value: &key.value,
                columns: &[],
                sorting: Sorting::ascending("ProspectAutoId"),
                paging: Paging { page_index: 1, page_size: MOST_FOUND },
            };
            client.leads(&query).await
        }
    }
}

/// Enough to see that a key is not unique.
const MOST_FOUND: u32 = 5;

fn written(written: &Written, is_lead: bool) -> Answer {
    let id = if is_lead { written.lead_id() } else { written.id.as_deref() };
    Answer::Written { id: id.map(str::to_owned), is_created: written.is_created }
}

fn lead_row(row: Option<&LeadRow>) -> Answer {
    match row {
        Some(row) if row.is_failure() => {
            refused(row.exception_type.as_ref(), row.error_message.as_ref())
        }
        row => Answer::Written {
            id: row.and_then(|row| row.lead_id.clone()),
            is_created: row.and_then(|row| row.lead_created),
        },
    }
}

fn activity_row(row: Option<&ActivityRow>) -> Answer {
    match row {
        Some(row) if row.is_failure() => {
            refused(row.exception_type.as_ref(), row.exception_message.as_ref())
        }
        row => Answer::Written {
            id: row.and_then(|row| row.prospect_activity_id.clone()),
            is_created: Some(true),
        },
    }
}

/// The response to a bulk update of activities has a shape that no page documents. An activity without
/// a row of its own gets a call of its own, which writes the same again.
fn updated_activity(row: Option<&ActivityRow>) -> Option<Answer> {
    let row = row?;
    if row.is_failure() || row.activity_updated == Some(false) {
        return None;
    }
    Some(Answer::Written { id: row.prospect_activity_id.clone(), is_created: Some(false) })
}

fn refused(exception: Option<&String>, message: Option<&String>) -> Answer {
    let message = message.cloned().unwrap_or_default();
    Answer::Failed(Failure::Refused { exception: exception.cloned(), message })
}

/// The response to a bulk update names those that failed, but not why. Each of these gets a call of
/// its own, which gives the reason.
fn updates(rows: &[(RecordKey, LeadUpdate)], updated: &BulkUpdated) -> Vec<Option<Answer>> {
    let failed = updated.failed_leads.iter().chain(&updated.unprocessed_leads);
    let named: Vec<LeadId> = failed.map(|lead| LeadId::new(&lead.identifier_value)).collect();
    let said = updated.failed.unwrap_or(0) + updated.unprocessed.unwrap_or(0);
    let all_named = named.len() as u64 >= said;
    let answer = |(_, update): &(RecordKey, LeadUpdate)| {
        let id = Some(update.lead_id.to_string());
        (all_named && !named.contains(&update.lead_id))
            .then_some(Answer::Written { id, is_created: Some(false) })
    };
    rows.iter().map(answer).collect()
}

/// A lead that is missing from the response may only have been left out: a call of its own shows
/// whether it is gone.
fn leads_by_id(rows: &[(RecordKey, ReadLead)], leads: &[Lead]) -> Vec<Option<Answer>> {
    let found: Vec<Snapshot> = leads.iter().map(snapshot).collect();
    let answer = |(_, read): &(RecordKey, ReadLead)| {
        let lead = found.iter().find(|lead| lead.lead_id().as_ref() == Some(&read.lead_id))?;
        Some(Answer::Leads(vec![lead.clone()]))
    };
    rows.iter().map(answer).collect()
}

fn captured(capture: &Capture) -> LeadWrite<'_> {
    let search_by = Some(capture.key.field.as_str().into());
    LeadWrite { search_by, ..plain(capture.all_fields()) }
}

fn updated(update: &LeadUpdate) -> LeadWrite<'_> {
    let mut write = plain(&update.fields);
    write.attributes.insert(0, Attribute::new("ProspectID", update.lead_id.as_str()));
    write
}

fn plain<'a>(fields: impl IntoIterator<Item = &'a Change>) -> LeadWrite<'a> {
    LeadWrite { attributes: fields.into_iter().map(attribute).collect(), search_by: None }
}

/// A field in the form for writes; a custom field set, which is JSON in reads, by its parts
/// (AD/create-lead-and-activity).
fn attribute(change: &Change) -> Attribute<'_> {
    if change.kind == Kind::FieldSet
        && let Some(parts) = set_parts(&change.value)
    {
        let parts = parts.into_iter().map(|(name, value)| (name.into(), value.into()));
        return Attribute::field_set(change.to.as_str(), parts.collect());
    }
    Attribute::new(change.to.as_str(), change.value.as_str())
}

/// The parts of a custom field set.
fn set_parts(value: &str) -> Option<Vec<(String, String)>> {
    let parts = plan::json::object(value)?;
    Some(parts.into_iter().map(|(name, value)| (name, plan::json::text(value))).collect())
}

fn new_activity(new: &NewActivity) -> (&str, ActivityWrite<'_>) {
    (new.lead_id.as_str(), activity_write(new.event, &new.fields))
}

fn changed_activity(update: &ActivityUpdate) -> (&str, ActivityWrite<'_>) {
    (update.activity_id.as_str(), activity_write(update.event, &update.fields))
}

fn activity_write(event: u32, fields: &[Change]) -> ActivityWrite<'_> {
    let mut write = ActivityWrite { event, ..ActivityWrite::default() };
    for change in fields {
        match change.to.as_str() {
            NOTE => write.note = Some(change.value.as_str().into()),
            TIME => write.at = moment::instant(&change.value, &jiff::tz::TimeZone::UTC),
            _ => write.fields.push(activity_field(change)),
        }
        // The mapping has already refused or left out unlisted options, unless they should be sent.
        write.any_dropdown_value |= matches!(change.kind, Kind::Select | Kind::MultiSelect);
    }
    write
}

fn activity_field(change: &Change) -> ActivityField<'_> {
    if change.kind == Kind::FieldSet
        && let Some(parts) = set_parts(&change.value)
    {
        let parts = parts.into_iter().map(|(name, value)| ActivityField::new(name, value));
        let fields = parts.collect();
        return ActivityField { name: change.to.as_str().into(), value: "".into(), fields };
    }
    ActivityField::new(change.to.as_str(), change.value.as_str())
}
