//! A client for LeadSquared's public API.
//!
//! ```no_run
//! # async fn run() -> Result<(), leadsquared::Error> {
//! use leadsquared::{Account, Client, Host, Keys, LeadWrite, Limits, UpdateBehaviour};
//!
//! let account = Account::new(
//!     Host::parse("api-in21.leadsquared.com")?,
//!     Keys::new("u$r…".to_owned(), "…".to_owned()),
//! );
//! let client = Client::new(account, Limits::default())?;
//! let lead = LeadWrite::new([("FirstName", "Asha"), ("EmailAddress", "asha@example.com")]);
//! let reply = client.capture_lead(&lead, UpdateBehaviour::UpdateAll).await;
//! println!("{} took {:?}", reply.exchange.operation, reply.exchange.elapsed);
//! let written = reply.result?;
//! # Ok(())
//! # }
//! ```
//!
//! Rules that hold for every call:
//!
//! - One call is one HTTP request with one deadline ([`Limits::deadline`]). **Nothing is ever
//!   repeated**: [`Error::effect`] says whether a repetition is safe, and the caller decides.
//! - Every call returns a [`Reply`]: the result, and the [`Exchange`] for the log, on success and
//!   on failure.
//! - A response is interpreted by its body, not by its HTTP status, because LeadSquared reports
//!   errors under 500, 200 and 403.
//! - No key is ever printed, logged or recorded.
//!
//! Facts about LeadSquared name their source: `AD/<page>` is that page of apidocs.leadsquared.com.
//! *Documented* means that LeadSquared says so, *client code* that public code relies on it, *live*
//! that the author of public code or notes observed it on a real account of theirs, *inferred* and
//! *guess* that nobody states it. `docs/leadsquared.md` has all of them, with the list of sources.

mod account;
mod activities;
mod answer;
mod call;
mod client;
mod error;
mod exchange;
mod fields;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod leads;
mod nul;
mod paging;
mod rate;
mod scalar;
mod time;
mod tree;
mod users;
mod webhooks;
mod written;

pub use account::{Account, Authentication, Host, Keys};
pub use activities::bulk::{ActivityRow, BULK_ACTIVITIES_MAX};
pub use activities::read::{Activity, ByEventQuery, ModifiedActivitiesQuery};
pub use activities::types::{ActivityForm, ActivityFormField, ActivityType};
pub use activities::write::{ActivityField, ActivityWrite};
pub use client::{Client, DEFAULT_ANSWER_LIMIT, DEFAULT_DEADLINE, Limits, ensure_tls_provider};
pub use error::{Effect, Error, MESSAGE_LIMIT};
pub use exchange::{DEFAULT_RECORD_LIMIT, Exchange, Reply};
pub use fields::Fields;
pub use leads::bulk::{
    BULK_CREATE_MAX, BULK_CREATE_OR_UPDATE_MAX, BULK_UPDATE_MAX, BULK_UPDATE_V2_MAX, BulkUpdated,
    LeadRow, Missing, UnmatchedLead,
};
pub use leads::lead::Lead;
pub use leads::metadata::{LeadField, OptionSets};
pub use leads::read::{LEADS_PAGE_MAX, LeadQuery, Operator, RECENTLY_MODIFIED_PAGE_MAX};
pub use leads::write::{Attribute, Automations, LeadWrite, UpdateBehaviour};
pub use paging::{Direction, Numbered, Page, Paging, Rows, Sorting, Window};
pub use rate::RateLimit;
pub use time::{from_wire, to_wire};
pub use users::{AccountOfKeys, Hosts, User, UserDetails};
pub use webhooks::{Webhook, WebhookEvent, WebhookQuery, WebhookWrite};
pub use written::{Done, Written};
