//! Storage: one interface of operations over SQLite and PostgreSQL.
//!
//! [`Store`] is the sum of its parts ([`Intake`], [`Dispatching`], [`Log`], [`Settings`], [`Reviews`],
//! [`People`], [`Mail`], [`Copies`], [`Backfills`], [`CatchUps`], [`MassChanges`], [`Views`],
//! [`Failures`], [`Alerts`], [`Arrivals`], [`Retention`], [`Privacy`]), and names each operation after what happens. Whatever must be atomic is one
//! operation; a transaction never crosses the
//! interface, and no caller asks which database is used. [`open`] chooses the backend by the URL.

mod alerts;
mod arrivals;
mod audit;
mod backfills;
mod backup;
mod catch_up;
mod contact;
mod copies;
mod directory;
mod dispatching;
mod error;
mod failing;
mod filter;
mod history;
mod intake;
mod list;
mod log;
mod mail;
mod mass_change;
mod open;
mod people;
mod postgres;
mod privacy;
mod progress;
mod rekey;
mod retention;
mod retry;
mod reviews;
mod secret;
mod session;
mod settings;
mod sign_in;
mod sqlite;
mod store;
mod tally;
mod token;
mod user;
mod views;
mod wanted;

pub use alerts::{
    Alert, AlertConnectors, Alerts, LastAlert, MOST_ALERTS, NewAlert, Receives, Target,
    WantedDigest,
};
pub use arrivals::{Arrival, Arrivals};
pub use audit::{ACTIONS, Access, Actor, AuditFilter, AuditItem};
pub use backfills::{Backfill, BackfillNews, Backfills, NewBackfill, PlanNews, Planned};
pub use backup::{Copy, Lost, Restore, Restored, restore};
pub use catch_up::{
    CatchUpNews, CatchUpNotice, CatchUps, ChosenDifferences, Compared, Differing, ParityNews,
    Posted, Sweep, SweepNews, Swept,
};
pub use contact::{Contact, ContactNews};
pub use copies::{Backup, BackupWish, Copies};
pub use directory::{DirectoryEntry, DirectoryNews, DirectoryReading};
pub use dispatching::{
    Dispatching, Lease, LinkCounts, Opened, RecentCall, RecordState, Room, Unfinished,
    WaitingRecord,
};
pub use error::{Error, Result};
pub use failing::{Dismissal, Failing, Failures};
pub use filter::{Cursor, Echoes, Filter, Page};
pub use history::{HistoryItem, Neighbours};
pub use intake::{Intake, NewDelivery, Origin, TooLong};
pub use list::{Count, Counts, RecordLine, RequestLine, StateCounts};
pub use log::{AttemptItem, CallItem, Delivery, FailureGroup, Log, RecordItem, RequestItem};
pub use mail::{ClaimedMail, ForAlert, Mail, MailEnd, MailItem, MailState, NewMail};
pub use mass_change::{HeldNews, MassChange, MassChanges};
pub use open::Open;
pub use people::People;
pub use privacy::{Forgotten, Kept, LeadOf, Privacy, Who};
pub use progress::{
    AttemptOutcome, Call, CallRef, Intent, IntentRecord, KeysNews, Progress, RecordKey,
    RequestState, Spent, Stage, TraitNews,
};
pub use rekey::{Rekey, Rotated};
pub use retention::{Pruned, Retention};
pub use retry::{LinkedRecords, Retried, Retry, RetryBatch, Selection};
pub use reviews::{NewReview, ReviewFilter, ReviewItem, Reviews};
pub use session::{
    CONFIRMED_FOR, EndSessions, Guest, KNOWN_FOR, NewLink, NewSession, Person, Session, SessionItem,
};
pub use settings::{
    Account, AccountPlan, Change, Configuration, Connector, FormerUrl, Keys, Settings, Version,
    Wiring,
};
pub use sign_in::{
    Admission, INVITED_FOR, Invite, NewInvite, ProviderIdentity, SecondFactor, SignIn,
};
pub use store::{Base, Store};
pub use tally::{Cause, Health, Span, Step, Tally, Used, Waiting};
pub use token::{Token, TokenHash};
pub use user::{ApiToken, MOST_USERS, NewApiToken, PasswordHash, User, UserChange};
pub use views::{View, Views};

use std::path::Path;
use std::sync::Arc;

/// Opens the store at this URL: `sqlite://PATH` or `postgres://USER:PASSWORD@HOST/DATABASE`.
/// Missing migrations are run.
///
/// # Errors
/// [`Error::CannotOpen`]: the URL, the file, the server, the key file, or a database that a newer
/// leadsync has changed.
pub async fn open(url: &str, how: Open) -> Result<Arc<dyn Store>> {
    if let Some(path) = url.strip_prefix("sqlite:") {
        let path = path.strip_prefix("//").unwrap_or(path);
        if path.is_empty() || path.contains('?') || path == ":memory:" {
            return Err(Error::CannotOpen(format!(
                "'{url}' does not name a file: use sqlite:// and a path, such as \
                 sqlite://leadsync.db"
            )));
        }
        return Ok(Arc::new(sqlite::Backend::open(Path::new(path), how).await?));
    }
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Ok(Arc::new(postgres::Backend::open(url, how).await?));
    }
    Err(Error::CannotOpen("the database URL must begin with sqlite:// or postgres://".to_owned()))
}
