//! Calls to an account: what is sent, and what came back.

use jiff::Timestamp;
use leadsquared::{
    Attribute, Automations, BulkUpdated, Client, Error, Exchange, Lead, LeadField, LeadQuery,
    LeadRow, LeadWrite, Missing, Operator, OptionSets, Paging, Reply, Rows, Sorting,
    UpdateBehaviour, Written,
};
use plan::decide::{Change, Sought};
use plan::id::AccountId;
use plan::identity::Key;
use plan::metadata::Kind;
use plan::operation::Operation;
use plan::snapshot::Snapshot;
use store::RecordKey;

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
    /// Reads the account's lead fields.
    Fields,
    /// Reads the record's own lead from the source.
    ReadSource(String),
    /// Reads a lead from the destination.
    Look(Sought),
    /// Creates a lead, or updates the one with the key.
    Capture(Row),
    /// Updates a lead.
    Update(Row, Automations),
    /// Many captures.
    BulkCapture(Vec<Row>),
    /// Many updates.
    BulkUpdate(Vec<Row>),
}

/// What is written for one record.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// The lead, or the key by which it is found.
    pub(super) target: Target,
    pub(super) fields: Vec<Change>,
}

/// Which lead is written.
#[derive(Clone, Debug)]
pub(super) enum Target {
    /// The one with this id.
    Id(String),
    /// The one with this key, or a new one; `update` says whether one that exists is changed.
    Key { key: Key, update: bool },
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
    Fields(Result<Vec<LeadField>, Error>),
    Leads(Result<Vec<Lead>, Error>),
    Written(Result<Written, Error>),
    Rows(Result<Rows<LeadRow>, Error>),
    Updated(Result<BulkUpdated, Error>),
}

impl Job {
    /// Which call it is.
    pub(super) fn operation(&self) -> Operation {
        match self {
            Self::Fields => Operation::LeadFields,
            Self::ReadSource(_) => Operation::LeadById,
            Self::Look(sought) => Operation::reading(sought),
            Self::Capture(_) => Operation::Capture,
            Self::Update(..) => Operation::Update,
            Self::BulkCapture(_) => Operation::BulkCapture,
            Self::BulkUpdate(_) => Operation::BulkUpdate,
        }
    }

    /// What is written for the record at this place of the call.
    pub(super) fn row(&self, index: usize) -> Option<&Row> {
        match self {
            Self::Capture(row) | Self::Update(row, _) => Some(row),
            Self::BulkCapture(rows) | Self::BulkUpdate(rows) => rows.get(index),
            Self::Fields | Self::ReadSource(_) | Self::Look(_) => None,
        }
    }
}

impl Prepared {
    /// Makes the call.
    pub(super) async fn run(self, client: Client, at: Timestamp) -> Ended {
        let (exchange, answer) = match &self.job {
            Job::Fields => {
                taken(client.lead_fields(None, OptionSets::Included).await, Answer::Fields)
            }
            Job::ReadSource(id) | Job::Look(Sought::Id(id)) => {
                let reply = client.lead_by_id(id).await.map(|lead| lead.into_iter().collect());
                taken(reply, Answer::Leads)
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
                let Target::Id(id) = &row.target else { unreachable!("an update has an id") };
                let write = LeadWrite { attributes: attributes(&row.fields), search_by: None };
                taken(client.update_lead(id, &write, *automations).await, Answer::Written)
            }
            Job::BulkCapture(rows) => {
                let leads: Vec<LeadWrite<'_>> = rows.iter().map(write).collect();
                taken(client.create_or_update_leads(&leads).await, Answer::Rows)
            }
            Job::BulkUpdate(rows) => {
                let leads: Vec<LeadWrite<'_>> = rows.iter().map(write).collect();
                let reply = client.update_leads(&leads, None, Missing::Failed).await;
                taken(reply, Answer::Updated)
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

/// Enough to see that a key is not unique.
const MOST_FOUND: u32 = 5;

fn write(row: &Row) -> LeadWrite<'_> {
    let mut attributes = attributes(&row.fields);
    match &row.target {
        Target::Id(id) => {
            attributes.insert(0, Attribute::new("ProspectID", id.as_str()));
            LeadWrite { attributes, search_by: None }
        }
        Target::Key { key, .. } => {
            LeadWrite { attributes, search_by: Some(key.field.as_str().into()) }
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
        && let Ok(parts) = serde_json::from_str::<
            std::collections::BTreeMap<String, serde_json::Value>,
        >(&change.value)
    {
        let text = |value| match value {
            serde_json::Value::String(text) => text,
            serde_json::Value::Null => String::new(),
            other => other.to_string(),
        };
        let parts = parts.into_iter().map(|(name, value)| (name.into(), text(value).into()));
        return Attribute::field_set(change.to.as_str(), parts.collect());
    }
    Attribute::new(change.to.as_str(), change.value.as_str())
}

/// A lead as the plan knows leads.
pub(super) fn snapshot(lead: &Lead) -> Snapshot {
    lead.fields.iter().map(|(name, value)| (name, value.unwrap_or_default())).collect()
}
