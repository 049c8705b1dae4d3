//! What a user may see: everything, or the connectors to which LeadSquared accounts grant access.

use std::collections::{BTreeSet, HashMap};
use std::fmt;
use std::sync::{Mutex, PoisonError};

use axum::extract::RawPathParams;
use jiff::{SignedDuration, Timestamp};
use plan::access::AccountUser;
use plan::id::AccountId;
use plan::permission::{Role, Scope};
use store::{Account, Configuration};

use crate::Shared;

/// How long what an account returned about a user is valid; then it is read again.
const FRESH: SignedDuration = SignedDuration::from_mins(15);
/// The same while the account does not respond.
const STALE: SignedDuration = SignedDuration::from_hours(1);
/// A user is not read again from an account within this time, whatever it returned.
const PAUSE: SignedDuration = SignedDuration::from_mins(1);
/// Anybody can enter an address, and each one costs calls of the quota. So the links within
/// [`LINKS_IN`] are limited: for strangers, who are not known as users of any account, and for
/// others.
const STRANGERS: usize = 30;
const OTHERS: usize = 300;
const LINKS_IN: SignedDuration = SignedDuration::from_hours(1);

/// What a user may see and act on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Everything.
    All,
    /// These connectors, by name, and what belongs to them.
    Connectors(BTreeSet<String>),
}

/// What a route shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Within {
    /// Things that belong to no connector: only for those whose reach is everything.
    Everything,
    /// The connector of the path's `{name}`.
    Connector,
    /// What is in the caller's reach; the handler ensures that.
    Reach,
    /// What belongs to the caller, such as their sessions.
    Own,
}

impl Reach {
    /// Whether this connector is in reach.
    pub(crate) fn has(&self, connector: &str) -> bool {
        match self {
            Self::All => true,
            Self::Connectors(names) => names.contains(connector),
        }
    }

    /// Whether a route that shows this may be used with these parts of its path. Parts that can't
    /// be read are nobody's connector.
    pub(crate) fn admits(&self, within: Within, path: Option<&RawPathParams>) -> bool {
        match (self, within) {
            (Self::All, _) | (_, Within::Reach | Within::Own) => true,
            (_, Within::Everything) => false,
            (_, Within::Connector) => {
                let mut parts = path.into_iter().flat_map(RawPathParams::iter);
                parts.any(|(name, connector)| name == "name" && self.has(connector))
            }
        }
    }

    /// For filters: the connectors to which it is limited.
    pub(crate) fn limit(&self) -> Option<Vec<String>> {
        match self {
            Self::All => None,
            Self::Connectors(names) => Some(names.iter().cloned().collect()),
        }
    }

    /// The configuration without connectors that are out of reach, and without accounts that no
    /// remaining connector uses.
    pub(crate) fn narrow(&self, mut configuration: Configuration) -> Configuration {
        if *self != Self::All {
            configuration.connectors.retain(|connector| self.has(&connector.definition.name));
            let Configuration { connectors, accounts, .. } = &mut configuration;
            accounts.retain(|account| {
                connectors.iter().any(|of| of.source == account.id || of.destination == account.id)
            });
        }
        configuration
    }
}

/// A route and who may use it.
pub(crate) struct GuardedRoute {
    methods: String,
    path: String,
    /// What it requires; `None` if anybody may use it.
    needs: Option<Scope>,
    within: Within,
}

impl GuardedRoute {
    /// A route that anybody may use.
    pub(crate) fn open(methods: &str, path: impl Into<String>) -> Self {
        let (methods, path) = (methods.to_owned(), path.into());
        Self { methods, path, needs: None, within: Within::Reach }
    }

    /// A route that requires this and shows that.
    pub(crate) fn closed(
        methods: &str,
        path: impl Into<String>,
        needs: Scope,
        within: Within,
    ) -> Self {
        let (methods, path) = (methods.to_owned(), path.into());
        Self { methods, path, needs: Some(needs), within }
    }
}

impl fmt::Display for GuardedRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { methods, path, needs, within } = self;
        let may = |role: Role| needs.is_none_or(|needs| role.most() >= needs);
        let word = |may: bool| if may { "yes" } else { "no" };
        // A user with access through an account is an operator for what is in reach.
        let guest = match (needs, within) {
            (None, _) | (_, Within::Own) => "yes",
            _ if !may(Role::Operator) => "no",
            (_, Within::Everything) => "no",
            (_, Within::Connector) => "if granted",
            (_, Within::Reach) => "what is granted",
        };
        let nobody = word(needs.is_none());
        let [operator, administrator] =
            [Role::Operator, Role::Administrator].map(|role| word(may(role)));
        writeln!(f, "| {methods} | `{path}` | {nobody} | {guest} | {operator} | {administrator} |")
    }
}

/// Which users were read recently.
#[derive(Debug, Default)]
pub(crate) struct ReadUsers {
    users: Mutex<HashMap<(AccountId, String), Timestamp>>,
    strangers: Mutex<Vec<Timestamp>>,
    others: Mutex<Vec<Timestamp>>,
}

impl ReadUsers {
    /// Whether this user may be read from the account now. If so, it counts as read.
    fn may_ask(&self, account: AccountId, email: &str, now: Timestamp) -> bool {
        let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        users.retain(|_, at| now.duration_since(*at) < PAUSE);
        let key = (account, email.to_owned());
        if users.contains_key(&key) {
            return false;
        }
        users.insert(key, now);
        true
    }

    /// Whether a link may be handled now. If so, it counts.
    fn may_work_link(&self, is_stranger: bool, now: Timestamp) -> bool {
        let (links, most) =
            if is_stranger { (&self.strangers, STRANGERS) } else { (&self.others, OTHERS) };
        let mut links = links.lock().unwrap_or_else(PoisonError::into_inner);
        links.retain(|at| now.duration_since(*at) < LINKS_IN);
        let may = links.len() < most;
        if may {
            links.push(now);
        }
        may
    }
}

/// What a signed-in user of LeadSquared accounts with this email address may see.
pub(crate) async fn reach_of(shared: &Shared, email: &str) -> store::Result<Reach> {
    reach_by(shared, email, FRESH).await
}

/// What a user who is signing in may see; read anew, so that access that was just granted works.
pub(crate) async fn reach_of_newcomer(shared: &Shared, email: &str) -> store::Result<Reach> {
    reach_by(shared, email, PAUSE).await
}

/// By what accounts returned within this time, or return now.
async fn reach_by(shared: &Shared, email: &str, fresh: SignedDuration) -> store::Result<Reach> {
    let configuration = shared.store.configuration().await?;
    let kept = shared.store.account_users(email).await?;
    let mut users: HashMap<AccountId, AccountUser> = HashMap::new();
    for account in destinations(&configuration) {
        let kept = kept.iter().find(|(id, ..)| *id == account.id);
        let kept = kept.map(|(_, at, user)| (*at, user.clone()));
        if let Some(user) = user_of(shared, account, email, (kept, fresh)).await? {
            users.insert(account.id, user);
        }
    }
    let granted = configuration.connectors.iter().filter(|connector| {
        let user = users.get(&connector.destination);
        user.is_some_and(|user| connector.definition.access.allows(user))
    });
    Ok(Reach::Connectors(granted.map(|of| of.definition.name.clone()).collect()))
}

/// The accounts whose users may be given access.
fn destinations(configuration: &Configuration) -> impl Iterator<Item = &Account> {
    configuration.accounts.iter().filter(|account| {
        configuration.connectors.iter().any(|connector| connector.destination == account.id)
    })
}

/// What an account returns about a user; nobody, if that is not known.
async fn user_of(
    shared: &Shared,
    account: &Account,
    email: &str,
    (kept, fresh): (Option<(Timestamp, Option<AccountUser>)>, SignedDuration),
) -> store::Result<Option<AccountUser>> {
    let now = (shared.clock)();
    let age = kept.as_ref().map(|(at, _)| now.duration_since(*at));
    let believed = |limit: SignedDuration| {
        let user = kept.clone().filter(|_| age.is_some_and(|age| age < limit));
        user.and_then(|(_, user)| user)
    };
    let is_fresh = age.is_some_and(|age| age < fresh);
    if is_fresh || !shared.asked.may_ask(account.id, email, now) {
        return Ok(believed(STALE));
    }
    match shared.accounts.read_account_user(account, email).await {
        Ok(user) => {
            shared.store.store_account_user(account.id, email, user.as_ref(), now).await?;
            Ok(user)
        }
        Err(not_told) => {
            let (account, problem) = (&account.name, &not_told.problem.message);
            tracing::warn!(account, problem, "the account does not tell of its user");
            Ok(believed(STALE))
        }
    }
}

/// Whether accounts may be called about this address now: only if there were few links lately, and
/// fewer for strangers, who are not in any account's list of users.
pub(crate) async fn may_ask_about(shared: &Shared, email: &str) -> store::Result<bool> {
    let configuration = shared.store.configuration().await?;
    for account in destinations(&configuration) {
        let kept = shared.store.catalogue(account.id).await?;
        if kept.is_some_and(|(_, catalogue)| catalogue.user_by_email(email).is_some()) {
            return Ok(shared.asked.may_work_link(false, (shared.clock)()));
        }
    }
    Ok(shared.asked.may_work_link(true, (shared.clock)()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_not_asked_too_often() {
        let asked = ReadUsers::default();
        let at = |seconds: i64| Timestamp::from_second(1_790_000_000 + seconds).unwrap();
        let may = |account, email: &str, now| asked.may_ask(AccountId(account), email, at(now));
        assert!(may(1, "a@x", 0) && may(2, "a@x", 0) && may(1, "b@x", 0));
        assert!(!may(1, "a@x", 59));
        assert!(may(1, "a@x", 60));
        for (is_stranger, most) in [(true, STRANGERS), (false, OTHERS)] {
            for _ in 0..most {
                assert!(asked.may_work_link(is_stranger, at(0)));
            }
            assert!(!asked.may_work_link(is_stranger, at(3_599)));
            assert!(asked.may_work_link(is_stranger, at(3_600)));
        }
    }
}
