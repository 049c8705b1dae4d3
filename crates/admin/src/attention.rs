//! What needs attention, in the order of harm: what stops everything, what was not synced, what
//! waits for a person, what will run out, what is late, what may go wrong later, and last what
//! somebody stopped on purpose.

use jiff::{SignedDuration, Timestamp};
use plan::alert;
use plan::health::AccountState;
use plan::metadata::FieldChange;
use plan::problem::Code;
use plan::review::State;
use store::{Configuration, Connector, MailItem, MailState, ReviewFilter, Store};

use crate::health::Signs;
use crate::overview::{self, AccountOverview, CauseItem, ConnectorOverview, Overview, WaitingItem};

/// For how long failures, field changes and unsent mails are shown.
const OF_LATE: SignedDuration = SignedDuration::from_hours(7 * 24);
/// How many causes of failures are shown one by one.
const CAUSES: usize = 3;
/// Requests that wait longer than this are shown.
const LONG: SignedDuration = SignedDuration::from_mins(5);
/// How many mails are searched for unsent ones.
const MAILS: usize = 50;

/// Something that needs attention. The order of the variants is that of harm.
#[derive(Clone, Debug)]
pub enum Matter {
    /// Nothing can be written to an account.
    Account {
        /// Its name.
        name: String,
        /// Its state.
        state: AccountState,
        /// What happened,
        message: String,
        /// and what to do.
        advice: String,
        /// Since when, if that is known.
        since: Option<Timestamp>,
        /// How many requests and records wait for it, at least.
        waiting: u64,
    },
    /// A connector is held because its webhooks changed many leads.
    Held {
        /// Its name.
        connector: String,
        /// Since when.
        since: Timestamp,
        /// How many leads.
        changes: u64,
    },
    /// Records failed.
    Cause(CauseItem),
    /// Records failed for further causes.
    MoreCauses {
        /// How many causes,
        causes: usize,
        /// and how many records.
        records: u64,
    },
    /// No webhook arrives at a connector.
    Silent {
        /// Its name.
        connector: String,
        /// The account that should post.
        source: String,
        /// Since when,
        since: Timestamp,
        /// and after how many hours it is reported.
        hours: u32,
    },
    /// So many leads wait for review.
    Reviews(u64),
    /// An account's calls for the day will run out.
    QuotaLow(AccountOverview),
    /// Requests wait for long.
    Late {
        /// The connector.
        connector: String,
        /// What waits.
        waiting: WaitingItem,
    },
    /// Records are retried.
    Retrying {
        /// The connector.
        connector: String,
        /// What is retried.
        retrying: WaitingItem,
    },
    /// Fields of an account changed.
    FieldsChanged {
        /// The account.
        account: String,
        /// What changed, the oldest first.
        changes: Vec<FieldChange>,
        /// The connectors whose mappings may be affected.
        connectors: Vec<String>,
    },
    /// Mails could not be sent.
    MailsFailed {
        /// How many.
        count: u64,
        /// The recipient of the last one,
        recipient: String,
        /// and its error.
        error: Option<String>,
    },
    /// No mail server is configured.
    NoMailServer,
    /// Somebody disabled a connector.
    Paused {
        /// Its name.
        connector: String,
        /// Since when, if that is known.
        since: Option<Timestamp>,
        /// What is held.
        held: WaitingItem,
    },
}

/// How much a matter weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// Leads are not synced.
    Bad,
    /// They may not be, or late.
    Warning,
    /// Somebody wanted it so.
    Info,
}

impl Matter {
    /// The place in the order, from 0.
    fn rank(&self) -> u8 {
        match self {
            Self::Account { .. } => 0,
            Self::Held { .. } => 1,
            Self::Cause(_) => 2,
            Self::MoreCauses { .. } => 3,
            Self::Silent { .. } => 4,
            Self::Reviews(_) => 5,
            Self::QuotaLow(_) => 6,
            Self::Late { .. } => 7,
            Self::Retrying { .. } => 8,
            Self::FieldsChanged { .. } => 9,
            Self::MailsFailed { .. } => 10,
            Self::NoMailServer => 11,
            Self::Paused { .. } => 12,
        }
    }

    /// How much it weighs.
    pub fn weight(&self) -> Weight {
        match self {
            Self::Account { .. } | Self::Held { .. } | Self::Cause(_) | Self::MoreCauses { .. } => {
                Weight::Bad
            }
            Self::Paused { .. } => Weight::Info,
            _ => Weight::Warning,
        }
    }
}

/// Where to look.
#[derive(Debug)]
pub struct Scope<'a> {
    /// The accounts and connectors.
    pub configuration: &'a Configuration,
    /// Their signs,
    pub signs: &'a Signs,
    /// and their overview.
    pub overview: &'a Overview,
    /// The connectors to which the viewer is limited.
    pub within: Option<Vec<String>>,
    /// Whether mails are sent; only those who see everything are shown.
    pub mails_are_sent: bool,
}

/// Finds what needs attention, the most harmful first.
///
/// # Errors
/// The store failed.
pub async fn read(
    store: &dyn Store,
    scope: &Scope<'_>,
    now: Timestamp,
) -> store::Result<Vec<Matter>> {
    let Scope { configuration, overview, within, .. } = scope;
    let since = now.checked_sub(OF_LATE).unwrap_or(now);
    let connectors: Vec<&Connector> =
        configuration.connectors.iter().filter(|one| in_overview(overview, one)).collect();
    let mut matters = accounts(scope);
    matters.extend(held(scope));
    matters.extend(silent(scope, &connectors));
    let between = (since, overview::OverviewQuery::up_to(now));
    matters.extend(causes(scope, overview::causes(store, &connectors, between).await?));
    let open = ReviewFilter { state: Some(State::Open), within: within.clone(), ..<_>::default() };
    let reviews = store.count_reviews(&open).await?;
    matters.extend((reviews > 0).then_some(Matter::Reviews(reviews)));
    for connector in &overview.connectors {
        matters.extend(of_connector(connector, now));
    }
    for account in &overview.accounts {
        if account.health.state == AccountState::QuotaLow {
            matters.push(Matter::QuotaLow(account.clone()));
        }
        if let Some(known) = configuration.account(&account.name) {
            let changes = store.field_changes(known.id, since).await?;
            let changes: Vec<_> = changes.into_iter().map(|(_, change)| change).collect();
            matters.extend(fields_changed(configuration, &account.name, changes));
        }
    }
    if within.is_none() {
        matters.extend(mails_failed(&store.mails(MAILS).await?, since));
        let notifies = |of: &Connector| of.definition.basic.notifications;
        let is_needed = configuration.connectors.iter().any(notifies);
        matters.extend((is_needed && !scope.mails_are_sent).then_some(Matter::NoMailServer));
    }
    Ok(ordered(matters))
}

/// A stable sort: those of a kind stay in their order.
fn ordered(mut matters: Vec<Matter>) -> Vec<Matter> {
    matters.sort_by_key(Matter::rank);
    matters
}

fn in_overview(overview: &Overview, connector: &Connector) -> bool {
    overview.connectors.iter().any(|one| one.name == connector.definition.name)
}

/// The enabled connectors of an account.
fn using<'a>(
    configuration: &'a Configuration,
    account: &'a str,
) -> impl Iterator<Item = &'a Connector> {
    configuration.connectors.iter().filter(move |one| {
        let definition = &one.definition;
        one.enabled && (definition.source == account || definition.destination == account)
    })
}

fn accounts(scope: &Scope<'_>) -> Vec<Matter> {
    let Scope { configuration, signs, overview, .. } = scope;
    let stopped = overview.accounts.iter().filter(|account| account.health.state.stops_writes());
    let matter = |account: &AccountOverview| {
        let known = configuration.account(&account.name)?;
        // Nobody misses an account that no enabled connector uses.
        using(configuration, &account.name).next()?;
        let health = signs.account(known.id);
        let waits = |connector: &&ConnectorOverview| {
            let known = configuration.connector(&connector.name);
            known.is_some_and(|known| known.enabled && known.definition.destination == account.name)
        };
        let waiting = overview.connectors.iter().filter(waits);
        let waiting = waiting.map(|one| one.waiting.count + one.retrying.count).sum();
        let (message, advice) = match health.problem {
            Some(problem) => (problem.message, problem.advice),
            None => (
                format!("The daily quota of {} is used up.", account.name),
                "Syncing pauses until the quota renews at 00:00 UTC. If the account's plan allows \
                 more, raise the limit in the account settings."
                    .to_owned(),
            ),
        };
        let (name, state, since) = (account.name.clone(), health.state, health.since);
        Some(Matter::Account { name, state, message, advice, since, waiting })
    };
    let mut matters: Vec<Matter> = stopped.filter_map(matter).collect();
    let state = |matter: &Matter| match matter {
        Matter::Account { state, .. } => Some(std::cmp::Reverse(*state)),
        _ => None,
    };
    matters.sort_by_key(state);
    matters
}

fn held<'a>(scope: &'a Scope<'_>) -> impl Iterator<Item = Matter> + 'a {
    scope.signs.mass_changes.iter().filter_map(|(id, kept)| {
        let connector = scope.configuration.connectors.iter().find(|one| one.id == *id)?;
        let since = kept.held_at.filter(|_| in_overview(scope.overview, connector))?;
        let connector = connector.definition.name.clone();
        Some(Matter::Held { connector, since, changes: kept.changes })
    })
}

fn silent<'a>(
    scope: &'a Scope<'_>,
    connectors: &'a [&Connector],
) -> impl Iterator<Item = Matter> + 'a {
    connectors.iter().filter_map(|connector| {
        let (since, hours) = scope.signs.silent(connector)?;
        let definition = &connector.definition;
        let (connector, source) = (definition.name.clone(), definition.source.clone());
        Some(Matter::Silent { connector, source, since, hours })
    })
}

fn causes(scope: &Scope<'_>, causes: Vec<CauseItem>) -> Vec<Matter> {
    // What waits because an account is closed is shown with the account.
    let is_of_account = |cause: &CauseItem| {
        let Some(connector) = scope.configuration.connector(&cause.connector) else { return false };
        let closed = |id| match scope.signs.account(id).state {
            AccountState::KeysRefused => cause.error.code == Code::Credentials,
            AccountState::Unreachable => {
                matches!(cause.error.code, Code::Unreachable | Code::AccountError)
            }
            AccountState::QuotaUsedUp => cause.error.code == Code::Quota,
            _ => false,
        };
        connector.enabled && (closed(connector.source) || closed(connector.destination))
    };
    let mut causes: Vec<_> = causes.into_iter().filter(|cause| !is_of_account(cause)).collect();
    let more = causes.split_off(causes.len().min(CAUSES));
    let records = more.iter().map(|cause| cause.records).sum();
    let more = (!more.is_empty()).then_some(Matter::MoreCauses { causes: more.len(), records });
    causes.into_iter().map(Matter::Cause).chain(more).collect()
}

fn of_connector(connector: &ConnectorOverview, now: Timestamp) -> Vec<Matter> {
    let name = connector.name.clone();
    if !connector.enabled {
        // One whose setup isn't finished was not paused.
        let paused = Matter::Paused {
            connector: name,
            since: connector.disabled_at,
            held: connector.waiting,
        };
        return connector.is_used().then_some(paused).into_iter().collect();
    }
    let is_late = connector.waiting.oldest.is_some_and(|at| now.duration_since(at) >= LONG);
    let late =
        is_late.then(|| Matter::Late { connector: name.clone(), waiting: connector.waiting });
    let retries = connector.retrying.count > 0;
    let retrying =
        retries.then_some(Matter::Retrying { connector: name, retrying: connector.retrying });
    late.into_iter().chain(retrying).collect()
}

fn fields_changed(
    configuration: &Configuration,
    account: &str,
    changes: Vec<FieldChange>,
) -> Option<Matter> {
    let connectors = configuration.connectors.iter().map(|connector| &connector.definition);
    let connectors = connectors.filter(|of| of.source == account || of.destination == account);
    let connectors = connectors.map(|definition| definition.name.clone()).collect();
    let account = account.to_owned();
    (!changes.is_empty()).then_some(Matter::FieldsChanged { account, changes, connectors })
}

fn mails_failed(mails: &[MailItem], since: Timestamp) -> Option<Matter> {
    let failed = |mail: &&MailItem| {
        let is_stuck = mail.state == MailState::Queued && mail.error.is_some();
        // Whoever tested an address saw the error there.
        mail.kind != Some(alert::Kind::Test)
            && ((mail.state == MailState::GivenUp && mail.at >= since) || is_stuck)
    };
    let failed: Vec<&MailItem> = mails.iter().filter(failed).collect();
    let newest = failed.first()?;
    Some(Matter::MailsFailed {
        count: failed.len() as u64,
        recipient: newest.recipient.clone(),
        error: newest.error.clone(),
    })
}

#[cfg(test)]
mod tests {
    use plan::id::RequestId;
    use plan::problem::Problem;

    use super::*;

    fn cause(records: u64) -> Matter {
        Matter::Cause(CauseItem {
            connector: "a-to-b".to_owned(),
            cause: format!("too_long/{records}"),
            records,
            request: RequestId::from_number(1),
            error: Problem::new(Code::TooLong, "It is too long.", "Cut it."),
        })
    }

    #[test]
    fn what_harms_most_comes_first() {
        let at = Timestamp::UNIX_EPOCH;
        let connector = || "a-to-b".to_owned();
        let waiting = WaitingItem { count: 3, oldest: Some(at), next: None };
        let account = Matter::Account {
            name: "b".to_owned(),
            state: AccountState::KeysRefused,
            message: "The account b rejected the API keys.".to_owned(),
            advice: "Check them.".to_owned(),
            since: Some(at),
            waiting: 12,
        };
        let found = ordered(vec![
            Matter::Paused { connector: connector(), since: None, held: waiting },
            Matter::NoMailServer,
            Matter::MailsFailed { count: 1, recipient: "ops@example.com".to_owned(), error: None },
            Matter::Retrying { connector: connector(), retrying: waiting },
            Matter::Late { connector: connector(), waiting },
            Matter::Reviews(2),
            Matter::Silent { connector: connector(), source: "a".to_owned(), since: at, hours: 6 },
            Matter::MoreCauses { causes: 2, records: 8 },
            cause(100_000),
            cause(7),
            Matter::Held { connector: connector(), since: at, changes: 900 },
            account,
        ]);
        let ranks: Vec<u8> = found.iter().map(Matter::rank).collect();
        assert_eq!(ranks, [0, 1, 2, 2, 3, 4, 5, 7, 8, 10, 11, 12]);
        let weights: Vec<Weight> = found.iter().map(Matter::weight).collect();
        assert!(weights[..5].iter().all(|weight| *weight == Weight::Bad), "{weights:?}");
        assert_eq!(weights.last(), Some(&Weight::Info), "paused by hand is no failure");
        let records = found.iter().find_map(|matter| match matter {
            Matter::Cause(cause) => Some(cause.records),
            _ => None,
        });
        assert_eq!(records, Some(100_000), "causes stay in the order of their counts");
    }
}
