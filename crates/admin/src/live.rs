//! A lead as it is in its accounts now: compared side by side, and synced because a person asked.

use plan::connector::Definition;
use plan::mapping::Mapping;
use plan::operation::Operation;
use plan::parity::{self, Beside};
use plan::snapshot::Snapshot;
use serde::Serialize;
use serde_json::{Map, Value};
use store::{Account, Actor, Call, Configuration, Connector, NewDelivery, Origin};

use crate::access::Reach;
use crate::lead::{self, LeadItem, Twin};
use crate::{Admin, Refused, Result, quota};

/// A lead beside its counterpart in another account, as both are now.
#[derive(Debug, Serialize)]
pub struct LiveLead {
    /// The counterpart.
    pub twin: Twin,
    /// The account whose lead the connector reads,
    pub source: String,
    /// and the one that it writes to.
    pub destination: String,
    /// The fields, those that differ first.
    pub fields: Vec<Beside>,
    /// Why they can't be compared.
    pub problems: Vec<String>,
}

impl LiveLead {
    /// How many fields differ.
    pub fn differing(&self) -> usize {
        self.fields.iter().filter(|field| field.differs).count()
    }
}

/// Reads a lead from its account and from those of its counterparts, and compares them: one call to
/// each account, as far as the quota allows it, in which the calls count.
///
/// # Errors
/// The store failed. What an account does not tell is in the result.
pub async fn compare(
    admin: &Admin,
    configuration: &Configuration,
    account: &Account,
    lead: &LeadItem,
) -> store::Result<Vec<LiveLead>> {
    if lead.twins.is_empty() {
        return Ok(Vec::new());
    }
    let own = read(admin, configuration, account, &lead.id).await?;
    let mut all = Vec::with_capacity(lead.twins.len());
    for twin in &lead.twins {
        let Some(other) = configuration.account(&twin.account) else { continue };
        let Some(connector) = between(configuration, account, other) else { continue };
        let theirs = read(admin, configuration, other, &twin.id).await?;
        let Definition { source, destination, .. } = &connector.definition;
        let mut live = LiveLead {
            twin: Twin { account: twin.account.clone(), id: twin.id.clone() },
            source: source.clone(),
            destination: destination.clone(),
            fields: Vec::new(),
            problems: Vec::new(),
        };
        match (&own, &theirs) {
            (Ok(own), Ok(theirs)) => {
                let is_source = connector.source == account.id;
                let (here, there) = if is_source { (own, theirs) } else { (theirs, own) };
                live.fields = beside(admin, connector, here, there).await?;
                if live.fields.is_empty() {
                    live.problems.push("The fields of the accounts are not known yet.".to_owned());
                }
            }
            (own, theirs) => {
                let told = [own, theirs].into_iter().filter_map(|one| one.as_ref().err());
                live.problems.extend(told.cloned());
            }
        }
        all.push(live);
    }
    Ok(all)
}

/// The connector that syncs between two accounts; of a pair, the one that reads the first.
fn between<'a>(
    configuration: &'a Configuration,
    one: &Account,
    other: &Account,
) -> Option<&'a Connector> {
    let find = |source: &Account, destination: &Account| {
        let mut connectors = configuration.connectors.iter();
        connectors.find(|of| of.source == source.id && of.destination == destination.id)
    };
    find(one, other).or_else(|| find(other, one))
}

async fn beside(
    admin: &Admin,
    connector: &Connector,
    here: &Snapshot,
    there: &Snapshot,
) -> store::Result<Vec<Beside>> {
    let source = admin.store.catalogue(connector.source).await?;
    let destination = admin.store.catalogue(connector.destination).await?;
    let Some(((_, source), (_, destination))) = source.zip(destination) else {
        return Ok(Vec::new());
    };
    let mapping = Mapping::new(&connector.definition, &source, &destination);
    let mut fields = parity::beside(&mapping, here, there);
    fields.sort_by_key(|field| !field.differs);
    Ok(fields)
}

/// A lead as its account has it now, or why that is not known.
async fn read(
    admin: &Admin,
    configuration: &Configuration,
    account: &Account,
    id: &str,
) -> store::Result<Result<Snapshot, String>> {
    let name = &account.name;
    let quotas = quota::read(admin.store.as_ref(), configuration, &[account], admin.now()).await?;
    let is_left = |left: &quota::Calls| left.calls > 0 && left.today > 0;
    if !quotas.iter().all(|quota| is_left(&quota.left)) {
        return Ok(Err(format!("{name} can't be read: its API quota is used up for now.")));
    }
    let at = admin.now();
    let lead = admin.accounts.read_lead(account, id).await;
    let took = admin.now().duration_since(at).as_millis();
    let call = Call {
        id: admin.ids().await?.next(at).number(),
        account: account.id,
        connector: None,
        at,
        milliseconds: u32::try_from(took).unwrap_or_default(),
        method: "GET",
        url: format!("{}/v2/LeadManagement.svc/{}", account.host, Operation::LeadById.as_str()),
        status: None,
        request: "".into(),
        response: "".into(),
        error: lead.as_ref().err().map(|problem| problem.message.clone()),
    };
    admin.store.keep_call(call).await?;
    Ok(match lead {
        Ok(Some(lead)) => Ok(lead),
        Ok(None) => Err(format!("{name} no longer has this lead.")),
        Err(problem) => Err(format!("{name} can't be read: {}", problem.message)),
    })
}

/// Has a lead synced as it is in this account now, by every enabled connector that reads it: it is
/// read, and becomes a request as if a sweep had found it. Returns by how many connectors.
///
/// # Errors
/// No enabled connector reads the account, no connector in reach has a record of the lead, or the
/// account does not return it.
pub async fn sync(
    admin: &Admin,
    (actor, reach): (&Actor, &Reach),
    (configuration, account): (&Configuration, &Account),
    id: &str,
) -> Result<usize> {
    let reads = |connector: &&Connector| {
        connector.source == account.id && connector.enabled && reach.has(&connector.definition.name)
    };
    let connectors: Vec<&Connector> = configuration.connectors.iter().filter(reads).collect();
    if connectors.is_empty() {
        return Err(Refused::wrong("account", "has no enabled connector that reads it"));
    }
    let within = (configuration, reach);
    if !lead::is_in_reach(admin.store.as_ref(), within, account, id).await? {
        return Err(Refused::not_found("lead", id, "requests"));
    }
    let lead = read(admin, configuration, account, id).await?;
    let lead = lead.map_err(|why| Refused::wrong("lead", format!("was not synced: {why}")))?;
    let fields = lead.0.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str())));
    let body = Value::Array(vec![Value::Object(fields.collect::<Map<_, _>>())]).to_string();
    let (ids, now) = (admin.ids().await?, admin.now());
    let delivery = |connector: &&Connector| NewDelivery {
        id: ids.next(now),
        connector: connector.id,
        received_at: now,
        origin: Origin::Sweep,
        content_type: Some("application/json".to_owned()),
        body: body.clone().into(),
    };
    let deliveries: Vec<NewDelivery> = connectors.iter().map(delivery).collect();
    let subject = format!("{} in {}", id, account.name);
    admin.store.sync_lead(&subject, deliveries, actor, now).await?;
    admin.wake.notify_one();
    Ok(connectors.len())
}
