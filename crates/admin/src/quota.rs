//! The remaining quota of each account, and when it runs out.

use jiff::{SignedDuration, Timestamp};
use plan::backfill::BackfillState;
use plan::quota::forecast::Forecast;
use plan::quota::{Limit, Quota};
use plan::traits::Trait;
use serde::Serialize;
use store::{Account, Backfill, Configuration, Store, Used};

use crate::backfill::Pace;
use crate::words::number;

/// Calls to an account: in the window of its quota, and today (UTC).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Calls {
    /// In the window, bulk calls included.
    pub calls: u32,
    /// Bulk calls in the window.
    pub bulk_calls: u32,
    /// Today.
    pub today: u32,
}

impl Calls {
    /// These were made.
    pub fn used(used: &Used) -> Self {
        Self { calls: used.calls, bulk_calls: used.bulk_calls, today: used.today }
    }

    /// What is left of a quota when these were made.
    #[must_use]
    pub fn left(&self, quota: &Quota) -> Self {
        Self {
            calls: quota.calls.saturating_sub(self.calls),
            bulk_calls: quota.bulk_calls.saturating_sub(self.bulk_calls),
            today: quota.daily.saturating_sub(self.today),
        }
    }
}

/// The remaining quota of an account, not counting calls by others, and the forecast.
#[derive(Clone, Debug, Serialize)]
pub struct AccountQuota {
    /// The account.
    pub name: String,
    /// Its plan, unless it states a quota of its own.
    pub plan: Option<&'static str>,
    /// Its configured quota.
    pub quota: Quota,
    /// The limit that it named when it refused a call.
    pub limit: Option<Limit>,
    /// The calls that were made.
    pub used: Calls,
    /// Those that are left to leadsync.
    pub left: Calls,
    /// The forecast for the day.
    pub forecast: Forecast,
    /// The running backfills to it.
    pub backfills: Vec<RunningBackfill>,
}

/// A running backfill, and when it finishes.
#[derive(Clone, Debug, Serialize)]
pub struct RunningBackfill {
    /// Its connector.
    pub connector: String,
    /// Its number.
    pub id: i64,
    /// How many leads are left; none: unknown until all are read.
    pub left: Option<u64>,
    /// When it finishes at this rate; none: unknown yet.
    pub ends_at: Option<Timestamp>,
}

/// Reads the quota of these accounts.
///
/// # Errors
/// The store failed.
pub async fn read(
    store: &dyn Store,
    configuration: &Configuration,
    accounts: &[&Account],
    now: Timestamp,
) -> store::Result<Vec<AccountQuota>> {
    let window = |account: &&Account| {
        let seconds = account.plan.quota().per_seconds;
        (account.id, SignedDuration::from_secs(i64::from(seconds)))
    };
    let windows: Vec<_> = accounts.iter().map(window).collect();
    let ids: Vec<_> = accounts.iter().map(|account| account.id).collect();
    let used = store.used(&windows, now).await?;
    let spending = store.spending(&ids, now).await?;
    let mut running = store.backfills(None).await?;
    running.retain(|backfill| backfill.state == BackfillState::Running);
    let paces = Pace::of_all(store, configuration, &running, now).await?;
    let mut all = Vec::with_capacity(accounts.len());
    for ((account, used), spending) in accounts.iter().zip(used).zip(spending) {
        let mut limit = None;
        for (_, seen) in store.traits(account.id).await? {
            if let Trait::RateLimit(named) = seen {
                limit = Some(named);
            }
        }
        let of_account = |backfill: &Backfill| {
            let mut connectors = configuration.connectors.iter();
            let connector = connectors.find(|connector| connector.id == backfill.connector);
            connector.filter(|connector| connector.destination == account.id)
        };
        let backfills = running.iter().zip(&paces).filter_map(|(backfill, pace)| {
            let connector = of_account(backfill)?.definition.name.clone();
            let Pace { left, ends_at, .. } = *pace;
            Some(RunningBackfill { connector, id: backfill.id, left, ends_at })
        });
        let quota = account.plan.quota();
        let used = Calls::used(&used);
        all.push(AccountQuota {
            name: account.name.clone(),
            plan: account.plan.written().0,
            quota,
            limit,
            used,
            left: used.left(&quota.ours()),
            forecast: Forecast::new(quota, spending, now),
            backfills: backfills.collect(),
        });
    }
    Ok(all)
}

impl AccountQuota {
    /// What is left, in words.
    pub fn left_words(&self) -> String {
        let Calls { calls, bulk_calls, today } = self.left;
        let quota = self.quota.ours();
        format!(
            "{} of {} calls left today; per window of {} s, {calls} of {} calls and {bulk_calls} \
             of {} bulk calls left.",
            number(today.into()),
            number(quota.daily.into()),
            quota.per_seconds,
            quota.calls,
            quota.bulk_calls
        )
    }

    /// The reported limit, which may differ from the configured one, in words.
    pub fn limit_words(&self) -> Option<String> {
        let Limit { calls, per_seconds } = self.limit?;
        Some(format!(
            "The account reported a limit of {calls} calls per {per_seconds} s when it refused a \
             call."
        ))
    }
}

/// When the daily quota runs out, in words.
pub fn forecast_words(forecast: &Forecast) -> String {
    let Forecast { left, renews_at, rate, used_up_at, .. } = forecast;
    let rate = match rate {
        0 => "no calls".to_owned(),
        1 => "1 call".to_owned(),
        _ => format!("{} calls", number((*rate).into())),
    };
    match used_up_at {
        _ if *left == 0 => {
            format!("Today's quota is used up. It renews at {} UTC.", renews_at.strftime("%H:%M"))
        }
        Some(at) => {
            format!(
                "At this rate ({rate} per hour), the quota runs out at {} UTC.",
                at.strftime("%H:%M")
            )
        }
        None => format!("At this rate ({rate} per hour), the quota lasts until 00:00 UTC."),
    }
}

impl RunningBackfill {
    /// When it finishes, in words.
    pub fn words(&self, now: Timestamp) -> String {
        let Self { connector, id, left, ends_at } = self;
        let left = match left {
            None => {
                return format!(
                    "Backfill {id} of {connector}: still reading leads, finish time unknown."
                );
            }
            Some(1) => "1 lead".to_owned(),
            Some(left) => format!("{} leads", number(*left)),
        };
        match ends_at {
            Some(at) => {
                let is_near = at.duration_since(now) < SignedDuration::from_hours(6 * 24);
                let at = at.strftime(if is_near { "%A %H:%M" } else { "%Y-%m-%d %H:%M" });
                format!(
                    "Backfill {id} of {connector} finishes {at} UTC at this rate; {left} to go."
                )
            }
            None => {
                format!("Backfill {id} of {connector}: {left} to go; finish time unknown.")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use plan::quota::forecast::Spending;

    use super::*;

    fn at(time: &str) -> Timestamp {
        time.parse().unwrap()
    }

    #[test]
    fn a_forecast_says_when() {
        let now = at("2026-11-30T15:00:00Z");
        let words = |today, last_hour| {
            let spending = Spending { today, this_hour: 0, last_hour };
            forecast_words(&Forecast::new(Quota::PRO, spending, now))
        };
        assert_eq!(
            words(8_000, 1_200),
            "At this rate (1,200 calls per hour), the quota runs out at 16:40 UTC."
        );
        assert_eq!(
            words(8_000, 0),
            "At this rate (no calls per hour), the quota lasts until 00:00 UTC."
        );
        assert_eq!(words(10_000, 5), "Today's quota is used up. It renews at 00:00 UTC.");
        let backfill = |left, ends_at| {
            let connector = "a-to-b".to_owned();
            RunningBackfill { connector, id: 3, left, ends_at }.words(now)
        };
        assert_eq!(
            backfill(Some(12_000), Some(at("2026-12-01T02:10:00Z"))),
            "Backfill 3 of a-to-b finishes Tuesday 02:10 UTC at this rate; 12,000 leads to go."
        );
        assert_eq!(
            backfill(Some(1), Some(at("2027-01-01T02:10:00Z"))),
            "Backfill 3 of a-to-b finishes 2027-01-01 02:10 UTC at this rate; 1 lead to go."
        );
        assert!(backfill(Some(5), None).ends_with("5 leads to go; finish time unknown."));
        assert!(backfill(None, None).contains("still reading leads"));
    }
}
