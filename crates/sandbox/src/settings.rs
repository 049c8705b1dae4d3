//! What a sandbox is started with.

use crate::metadata::{Field, catalogue};
use crate::switches::Switches;
use std::time::Duration;

pub use crate::clock::{Clock, system_clock};
pub use crate::metadata::User;

/// How many API calls an account may make.
///
/// Source: apidocs.leadsquared.com/rate-limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Calls to ordinary operations in one window.
    pub calls: u32,
    /// Calls to bulk operations in one window.
    pub bulk_calls: u32,
    /// The length of the window.
    pub window: Duration,
    /// Calls of any kind in one UTC day.
    pub daily: u64,
}

/// The plan of an account, which determines its quota.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plan {
    /// 10 calls and 5 bulk calls in 5 seconds; 10,000 + 1,000 per user a day, 250,000 at most.
    Pro,
    /// 20 calls and 10 bulk calls in 5 seconds; 100,000 + 1,000 per user a day, 1,000,000 at most.
    Super,
    /// An explicit quota.
    Explicit(Quota),
    /// Calls are counted and never refused.
    Unlimited,
}

impl Plan {
    /// The quota of this plan for an account with that many users; `None` if it is unlimited.
    pub fn quota(self, users: usize) -> Option<Quota> {
        let users = u64::try_from(users).unwrap_or(u64::MAX);
        let window = Duration::from_secs(5);
        let daily = |base: u64, cap: u64| users.saturating_mul(1_000).saturating_add(base).min(cap);
        match self {
            Self::Pro => {
                Some(Quota { calls: 10, bulk_calls: 5, window, daily: daily(10_000, 250_000) })
            }
            Self::Super => {
                Some(Quota { calls: 20, bulk_calls: 10, window, daily: daily(100_000, 1_000_000) })
            }
            Self::Explicit(quota) => Some(quota),
            Self::Unlimited => None,
        }
    }
}

/// What a sandbox is started with. Start from [`Settings::new`] and change its fields.
#[derive(Clone)]
pub struct Settings {
    /// The account's name, which its pages show.
    pub name: String,
    /// The access key that calls must carry.
    pub access_key: String,
    /// The secret key that calls must carry.
    pub secret_key: String,
    /// The port on 127.0.0.1; 0 takes any free one.
    pub port: u16,
    /// The API quota.
    pub plan: Plan,
    /// The behaviours of this account that the evidence leaves open.
    pub switches: Switches,
    /// The seed of everything random (ids, the order of ties, faults with a probability); `None`
    /// takes one from the system.
    pub seed: Option<u64>,
    /// The time.
    pub clock: Clock,
    /// The lead fields.
    pub fields: Vec<Field>,
    /// The users, at least one. The keys belong to the first.
    pub users: Vec<User>,
    /// How many posts may be in progress at the same time.
    pub delivery_workers: usize,
    /// The API host that the account says it is on, `127.0.0.1:PORT`; its own unless given. With
    /// [`Switches::wrong_region`] this one is the host of another region.
    pub api_host: Option<String>,
    /// How long to wait after a failed post before the next attempt. The real delay is not known.
    pub retry_delay: Duration,
    /// How many finished posts are kept.
    pub delivery_log: usize,
}

/// How many finished posts are kept by default.
const DELIVERY_LOG: usize = 2_000;

impl Settings {
    /// The default: plan [`Plan::Pro`], any free port, the catalogue's fields, three users, keys
    /// `u$r…` that are derived from the name.
    pub fn new(name: &str) -> Self {
        let mark = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self {
            name: name.to_owned(),
            access_key: format!("u$r{mark:016x}{:016x}", mark.rotate_left(17)),
            secret_key: format!(
                "{mark:016x}{:016x}{:08x}",
                mark.rotate_left(29),
                mark.rotate_left(41) & 0xffff_ffff
            ),
            port: 0,
            plan: Plan::Pro,
            switches: Switches::default(),
            seed: None,
            clock: system_clock(),
            fields: catalogue::fields(),
            users: catalogue::users(name),
            delivery_workers: 16,
            api_host: None,
            retry_delay: Duration::from_millis(500),
            delivery_log: DELIVERY_LOG,
        }
    }
}
