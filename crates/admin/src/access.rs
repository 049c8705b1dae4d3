//! What a user may see: everything, or the connectors to which LeadSquared accounts grant access.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use plan::access::AccountUser;
use plan::id::AccountId;
use store::{Account, Configuration};

use crate::Admin;

/// How long what an account returned about a user is valid; then it is read again.
const FRESH: SignedDuration = SignedDuration::from_mins(15);
/// The same while the account does not respond.
const STALE: SignedDuration = SignedDuration::from_hours(1);
/// A user is not read again from an account within this time, whatever it returned.
const PAUSE: SignedDuration = SignedDuration::from_mins(1);
/// Anybody can enter an address, and each one costs calls of the quota. So the links within
/// [`LINKS_IN`] are limited. A user of an account has a budget of their own, which nobody else's
/// links use up.
const OF_A_USER: usize = 10;
/// Strangers, who are not known as users of any account, share the budget of the address that they
/// send from, and there is one for all of them, because their number is without end.
const OF_A_SOURCE: usize = 30;
const OF_STRANGERS: usize = 100;
const LINKS_IN: SignedDuration = SignedDuration::from_hours(1);

/// What a user may see and act on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Everything.
    All,
    /// These connectors, by name, and what belongs to them.
    Connectors(BTreeSet<String>),
}

impl Reach {
    /// Whether this connector is in reach.
    pub fn has(&self, connector: &str) -> bool {
        match self {
            Self::All => true,
            Self::Connectors(names) => names.contains(connector),
        }
    }

    /// For filters: the connectors to which it is limited.
    pub fn limit(&self) -> Option<Vec<String>> {
        match self {
            Self::All => None,
            Self::Connectors(names) => Some(names.iter().cloned().collect()),
        }
    }

    /// The configuration without connectors that are out of reach, and without accounts that no
    /// remaining connector uses.
    pub fn narrow(&self, mut configuration: Configuration) -> Configuration {
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

/// Which users were read recently.
#[derive(Debug, Default)]
pub struct ReadUsers {
    users: Mutex<HashMap<(AccountId, String), Timestamp>>,
    links: Mutex<Links>,
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
    fn may_work_link(&self, of: &For<'_>, now: Timestamp) -> bool {
        let mut links = self.links.lock().unwrap_or_else(PoisonError::into_inner);
        let links = &mut *links;
        for all in [&mut links.of_users, &mut links.of_sources] {
            all.retain(|_, times| {
                times.retain(|at| now.duration_since(*at) < LINKS_IN);
                !times.is_empty()
            });
        }
        let of_strangers: usize = links.of_sources.values().map(Vec::len).sum();
        let (all, key, most) = match of {
            For::User(email) => (&mut links.of_users, *email, OF_A_USER),
            For::Stranger(_) if of_strangers >= OF_STRANGERS => return false,
            For::Stranger(source) => (&mut links.of_sources, *source, OF_A_SOURCE),
        };
        let times = all.entry(key.to_owned()).or_default();
        let may = times.len() < most;
        if may {
            times.push(now);
        }
        may
    }
}

/// When links were handled lately.
#[derive(Debug, Default)]
struct Links {
    of_users: HashMap<String, Vec<Timestamp>>,
    of_sources: HashMap<String, Vec<Timestamp>>,
}

/// Who a link is for.
#[derive(Clone, Copy, Debug)]
enum For<'a> {
    /// A user of an account, by email address.
    User(&'a str),
    /// Somebody else, by the address that the request came from.
    Stranger(&'a str),
}

/// What a signed-in user of LeadSquared accounts with this email address may see.
pub async fn reach_of(admin: &Admin, email: &str) -> store::Result<Reach> {
    reach_by(admin, email, FRESH).await
}

/// What a user who is signing in may see; read anew, so that access that was just granted works.
pub async fn reach_of_newcomer(admin: &Admin, email: &str) -> store::Result<Reach> {
    reach_by(admin, email, PAUSE).await
}

/// By what accounts returned within this time, or return now.
async fn reach_by(admin: &Admin, email: &str, fresh: SignedDuration) -> store::Result<Reach> {
    let configuration = admin.store.configuration().await?;
    let kept = admin.store.account_users(email).await?;
    let mut users: HashMap<AccountId, AccountUser> = HashMap::new();
    for account in destinations(&configuration) {
        let kept = kept.iter().find(|(id, ..)| *id == account.id);
        let kept = kept.map(|(_, at, user)| (*at, user.clone()));
        if let Some(user) = user_of(admin, account, email, (kept, fresh)).await? {
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
    admin: &Admin,
    account: &Account,
    email: &str,
    (kept, fresh): (Option<(Timestamp, Option<AccountUser>)>, SignedDuration),
) -> store::Result<Option<AccountUser>> {
    let now = (admin.clock)();
    let age = kept.as_ref().map(|(at, _)| now.duration_since(*at));
    let believed = |limit: SignedDuration| {
        let user = kept.clone().filter(|_| age.is_some_and(|age| age < limit));
        user.and_then(|(_, user)| user)
    };
    let is_fresh = age.is_some_and(|age| age < fresh);
    if is_fresh || !admin.asked.may_ask(account.id, email, now) {
        return Ok(believed(STALE));
    }
    match admin.accounts.read_account_user(account, email).await {
        Ok(user) => {
            admin.store.store_account_user(account.id, email, user.as_ref(), now).await?;
            Ok(user)
        }
        Err(not_told) => {
            let (account, problem) = (&account.name, &not_told.problem.message);
            tracing::warn!(account, problem, "the account does not tell of its user");
            Ok(believed(STALE))
        }
    }
}

/// Whether accounts may be called about this email address now, on a request from `source`: only if
/// there were few links lately for this user or, for strangers, who are not in any account's list of
/// users, from this source.
pub async fn may_ask_about(admin: &Admin, email: &str, source: &str) -> store::Result<bool> {
    let configuration = admin.store.configuration().await?;
    for account in destinations(&configuration) {
        let kept = admin.store.catalogue(account.id).await?;
        if kept.is_some_and(|(_, catalogue)| catalogue.user_by_email(email).is_some()) {
            return Ok(admin.asked.may_work_link(&For::User(email), (admin.clock)()));
        }
    }
    Ok(admin.asked.may_work_link(&For::Stranger(source), (admin.clock)()))
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
        for (of, most) in [(For::Stranger("1.2.3.4"), OF_A_SOURCE), (For::User("a@x"), OF_A_USER)] {
            for _ in 0..most {
                assert!(asked.may_work_link(&of, at(0)));
            }
            assert!(!asked.may_work_link(&of, at(3_599)));
            assert!(asked.may_work_link(&of, at(3_600)));
        }
        // Nobody uses up what is another's.
        let sources: Vec<String> = (0..200).map(|n| format!("10.0.0.{n}")).collect();
        let worked =
            sources.iter().filter(|source| asked.may_work_link(&For::Stranger(source), at(3_601)));
        assert_eq!(worked.count(), OF_STRANGERS - 1);
        assert!(asked.may_work_link(&For::User("b@x"), at(3_601)));
    }
}
