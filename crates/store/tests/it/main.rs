//! The conformance suite: each promise of the store, on SQLite and on PostgreSQL.

#![expect(clippy::unwrap_used, reason = "a test that panics says where")]

mod alerts;
mod arrivals;
mod backfills;
mod batches;
mod catch_up;
mod configuration;
mod contact;
mod copies;
mod directory;
mod dispatching;
mod dropping;
mod empty;
mod errors;
mod failing;
mod identities;
mod leases;
mod list;
mod log;
mod mail;
mod migrating;
mod opening;
mod privacy;
mod retention;
mod reviews;
mod search;
mod sign_in;
mod states;
mod tally;
mod users;
mod views;

/// Makes a test of each promise on each backend: the promise gets an empty store.
macro_rules! promises {
    ($($name:ident,)+) => {
        mod sqlite {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name(crate::empty::Empty::sqlite().await).await;
            })+
        }
        mod postgres {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $name() {
                super::$name(crate::empty::Empty::postgres().await).await;
            })+
        }
    };
}
pub(crate) use promises;
