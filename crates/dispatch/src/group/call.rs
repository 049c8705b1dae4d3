//! Calls to an account: what is sent, and what came back.

use jiff::Timestamp;
use leadsquared::{
    Activity, ActivityRow, Attribute, Automations, BulkUpdated, Client, Error, Exchange, Lead,
    LeadQuery, LeadRow, LeadWrite, Missing, Operator, Page, Paging, Reply, Rows, Sorting,
    UpdateBehaviour, Written,
};
use plan::decide::{Change, Sought};
use plan::id::AccountId;
use plan::identity::Key;
use plan::metadata::Kind;
use plan::operation::Operation;
use plan::snapshot::Snapshot;
use store::RecordKey;

use super::activity;
use crate::access::{Part, Told};

/// One call, ready to go.
#[derive(Debug)]
pub(super) struct Prepared {
    /// Its number.
    pub(super) id: i64,
    pub(super) account: AccountId,
    pub(super) records: Vec<RecordKey>,
    pub(super) job: Job,
}

/// What a call does.
#[derive(Debug)]
pub(super) enum Job {
    /// Reads a part of what the account says of itself.
    Ask(Part),
    /// Reads the record's own lead from the source.
    ReadSource(String),
    /// Reads another lead from the source.
    ReadOther(String),
    /// Reads a lead from the destination.
    Look(Sought),
    /// Many of these two, of one account, by id.
    ReadMany(Vec<Job>),
    /// Creates a lead, or updates the one with the key.
    Capture(Row),
    /// Updates a lead.
    Update(Row, Automations),
    /// Many captures.
    BulkCapture(Vec<Row>),
    /// Many leads that are likely new, or are to be new: it creates, and never updates.
    BulkCreate(Vec<Row>),
    /// Many updates.
    BulkUpdate(Vec<Row>),
    /// Reads the activities of this type on this lead of the source, the record among them.
    ReadActivity(String, u32),
    /// Reads the activities of this type on this lead of the destination.
    LookActivity(String, u32),
    /// Adds an activity to a lead.
    CreateActivity(Row),
    /// Updates an activity.
    UpdateActivity(Row),
    /// Adds many activities.
    BulkCreateActivities(Vec<Row>),
}

/// What is written for one record.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// The lead or activity, or how it is found.
    pub(super) target: Target,
    pub(super) fields: Vec<Change>,
}

/// What is written.
#[derive(Clone, Debug)]
pub(super) enum Target {
    /// The lead with this id.
    Id(String),
    /// The lead of the source with this id, which the destination's changes are written back to.
    Back(String),
    /// The lead with this key, or a new one; `update` says whether one that exists is changed.
    Key { key: Key, update: bool },
    /// A new lead, whatever there is.
    New,
    /// A new activity of this type on the lead with this id.
    NewActivity { lead_id: String, event: u32 },
    /// The activity with this id, of this type.
    Activity { id: String, event: u32 },
}

/// A call that ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) call: Prepared,
    pub(super) at: Timestamp,
    pub(super) exchange: Exchange,
    pub(super) answer: Answer,
}

/// What an account answered.
#[derive(Debug)]
pub(super) enum Answer {
    Told(Result<Told, Error>),
    Leads(Result<Vec<Lead>, Error>),
    Written(Result<Written, Error>),
    Rows(Result<Rows<LeadRow>, Error>),
    Updated(Result<BulkUpdated, Error>),
    Activities(Result<Page<Activity>, Error>),
    ActivityRows(Result<Rows<ActivityRow>, Error>),
}

impl Job {
    /// Which call it is.
    pub(super) fn operation(&self) -> Operation {
        match self {
            Self::Ask(part) => part.operation(),
            Self::ReadSource(_) | Self::ReadOther(_) => Operation::LeadById,
            Self::Look(sought) => Operation::reading(sought),
            Self::ReadMany(_) => Operation::LeadsByIds,
            Self::Capture(_) => Operation::Capture,
            Self::Update(..) => Operation::Update,
            Self::BulkCapture(_) => Operation::BulkCapture,
            Self::BulkCreate(_) => Operation::BulkCreate,
            Self::BulkUpdate(_) => Operation::BulkUpdate,
            Self::ReadActivity(..) | Self::LookActivity(..) => Operation::ActivitiesOfLead,
            Self::CreateActivity(_) => Operation::CreateActivity,
            Self::UpdateActivity(_) => Operation::UpdateActivity,
            Self::BulkCreateActivities(_) => Operation::BulkCreateActivities,
        }
    }

    /// The id of the lead that is read, if it is read by id.
    pub(super) fn read_id(&self) -> Option<&str> {
        match self {
            Self::ReadSource(id) | Self::ReadOther(id) | Self::Look(Sought::Id(id)) => Some(id),
            _ => None,
        }
    }

    /// Whether it is about many records, each in a place of its own.
    pub(super) fn is_bulk(&self) -> bool {
        self.rows().is_some() || matches!(self, Self::ReadMany(_))
    }

    /// The rows of a bulk call.
    pub(super) fn rows(&self) -> Option<&[Row]> {
        match self {
            Self::BulkCapture(rows)
            | Self::BulkCreate(rows)
            | Self::BulkUpdate(rows)
            | Self::BulkCreateActivities(rows) => Some(rows),
            _ => None,
        }
    }

    /// What is written for the record at this place of the call.
    pub(super) fn row(&self, index: usize) -> Option<&Row> {
        match self {
            Self::Capture(row)
            | Self::Update(row, _)
            | Self::CreateActivity(row)
            | Self::UpdateActivity(row) => Some(row),
            _ => self.rows()?.get(index),
        }
    }
}

impl Prepared {
    /// Makes the call.
    pub(super) async fn run(self, client: Client, at: Timestamp) -> Ended {
        let (exchange, answer) = match &self.job {
            Job::Ask(part) => {
                let (exchange, told) = part.read(&client).await;
                (exchange, Answer::Told(told))
            }
            Job::ReadSource(id) | Job::ReadOther(id) | Job::Look(Sought::Id(id)) => {
                let reply = client.lead_by_id(id).await.map(|lead| lead.into_iter().collect());
                taken(reply, Answer::Leads)
            }
            Job::ReadMany(jobs) => {
                let ids: Vec<&str> = jobs.iter().filter_map(Job::read_id).collect();
                let page_size = u32::try_from(ids.len()).unwrap_or(u32::MAX);
                let reply =
                    client.leads_by_ids(&ids, &[], Paging { page_index: 1, page_size }).await;
                taken(reply.map(|page| page.rows), Answer::Leads)
            }
            Job::Look(Sought::Key(key)) => taken(find(&client, key).await, Answer::Leads),
            Job::Capture(row) => {
                let behaviour = match &row.target {
                    Target::Key { update: false, .. } => UpdateBehaviour::DoNotUpdate,
                    _ => UpdateBehaviour::UpdateAll,
                };
                taken(client.capture_lead(&write(row), behaviour).await, Answer::Written)
            }
            Job::Update(row, automations) => {
                let (Target::Id(id) | Target::Back(id)) = &row.target else {
                    unreachable!("an update has an id")
                };
                let write = LeadWrite { attributes: attributes(&row.fields), search_by: None };
                taken(client.update_lead(id, &write, *automations).await, Answer::Written)
            }
            Job::BulkCapture(rows) => {
                let leads: Vec<LeadWrite<'_>> = rows.iter().map(write).collect();
                taken(client.create_or_update_leads(&leads).await, Answer::Rows)
            }
            Job::BulkCreate(rows) => {
                let attributes = rows.iter().map(|row| attributes(&row.fields));
                let leads: Vec<LeadWrite<'_>> = attributes
                    .map(|attributes| LeadWrite { attributes, search_by: None })
                    .collect();
                taken(client.create_leads(&leads).await, Answer::Rows)
            }
            Job::BulkUpdate(rows) => {
                let leads: Vec<LeadWrite<'_>> = rows.iter().map(write).collect();
                let reply = client.update_leads(&leads, None, Missing::Failed).await;
                taken(reply, Answer::Updated)
            }
            Job::ReadActivity(lead_id, event) | Job::LookActivity(lead_id, event) => {
                let reply =
                    client.activities_of_lead(lead_id, Some(*event), 0, MOST_ACTIVITIES).await;
                taken(reply, Answer::Activities)
            }
            Job::CreateActivity(row) => {
                let (lead_id, write) = activity::write(row);
                taken(client.create_activity(lead_id, &write).await, Answer::Written)
            }
            Job::UpdateActivity(row) => {
                let (id, write) = activity::write(row);
                taken(client.update_activity(id, &write).await, Answer::Written)
            }
            Job::BulkCreateActivities(rows) => {
                let rows: Vec<_> = rows.iter().map(activity::write).collect();
                taken(client.create_activities(&rows).await, Answer::ActivityRows)
            }
        };
        Ended { call: self, at, exchange, answer }
    }
}

fn taken<T>(
    reply: Reply<T>,
    answer: impl FnOnce(Result<T, Error>) -> Answer,
) -> (Exchange, Answer) {
    (reply.exchange, answer(reply.result))
}

async fn find(client: &Client, key: &Key) -> Reply<Vec<Lead>> {
    match Operation::finding(key) {
        Operation::LeadsByEmail => client.leads_by_email(&key.value).await,
        // The page asks for a number without spaces and hyphens.
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

/// More activities of one type on one lead are not looked through for one that a lost answer was
/// about: it is among the newest.
const MOST_ACTIVITIES: u32 = 200;
/// Enough to see that a key is not unique.
const MOST_FOUND: u32 = 5;

fn write(row: &Row) -> LeadWrite<'_> {
    let mut attributes = attributes(&row.fields);
    match &row.target {
        Target::Id(id) | Target::Back(id) => {
            attributes.insert(0, Attribute::new("ProspectID", id.as_str()));
            LeadWrite { attributes, search_by: None }
        }
        Target::Key { key, .. } => {
            LeadWrite { attributes, search_by: Some(key.field.as_str().into()) }
        }
        Target::New | Target::NewActivity { .. } | Target::Activity { .. } => {
            unreachable!("it is written by another call")
        }
    }
}

fn attributes(fields: &[Change]) -> Vec<Attribute<'_>> {
    fields.iter().map(attribute).collect()
}

/// A field as it is written; a custom field set, which is JSON in reads, by its parts
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
pub(super) fn set_parts(value: &str) -> Option<Vec<(String, String)>> {
    let parts = plan::json::object(value)?;
    let text = |value| match value {
        serde_json::Value::String(text) => text,
        serde_json::Value::Null => String::new(),
        other => other.to_string(),
    };
    Some(parts.into_iter().map(|(name, value)| (name, text(value))).collect())
}

/// A lead as the plan knows leads.
pub(super) fn snapshot(lead: &Lead) -> Snapshot {
    lead.fields.iter().map(|(name, value)| (name, value.unwrap_or_default())).collect()
}
